"""Where each run came from: its data, its split, its recipe, and every opening of the test split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphrec.report.page import RunPage
from graphrec.report.run_records import ledger, prepared_manifest
from graphrec.report.section import Section
from graphrec.runs.run import Run


class ProvenanceSection(Section):
    """A list for each run, and the hashes of the raw files.

    >>> from graphrec.testing.small_run import small_page
    >>> (record,) = ProvenanceSection().context(small_page())["runs"]
    >>> record["seed"], [entry["reason"] for entry in record["ledger"]]
    (0, ['evaluate'])
    """

    id = "provenance"
    title = "Provenance"
    template = "provenance.html"

    def context(self, page: RunPage) -> Mapping[str, Any]:
        prepared, _ = prepared_manifest(page.methods[0].first)
        return {
            "runs": [_provenance(run, page.run_names[run.folder]) for run in page.runs],
            "same_data": len({run.manifest["dataset_fingerprint"] for run in page.runs}) == 1,
            "raw_files": {} if prepared is None else prepared.provenance.get("files", {}),
        }


def _provenance(run: Run, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "folder": str(run.folder),
        "seed": run.recipe.seed,
        "created": run.manifest["created"],
        "fingerprint": run.manifest["dataset_fingerprint"],
        "split_hash": run.manifest["split_hash"],
        "ledger": ledger(run),
        "recipe": run.recipe.to_toml(),
    }
