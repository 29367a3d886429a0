"""Where a run came from, what it cost, and the commands that repeat it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from graphrec.data.store import Manifest, fingerprint, read_manifest
from graphrec.errors import DataError, RunError
from graphrec.evaluation.result_sets import EVALUATE_ARGUMENTS, HELD_OUT, SLICES, TRUTH_SETS
from graphrec.runs.recipe import Recipe
from graphrec.runs.run import BEGUN_WITH, Run
from graphrec.system.environment import code_of
from graphrec.system.shell import command


def prepared_manifest(run: Run) -> tuple[Manifest | None, str | None]:
    """The manifest of the data that a run was trained on, or why it cannot be shown."""
    folder = Path(run.recipe.data.path)
    try:
        if fingerprint(folder) == run.manifest["dataset_fingerprint"]:
            return read_manifest(folder), None
        return None, f"the data at {folder} does not have the run's fingerprint"
    except DataError:
        return None, f"the prepared data is no longer at {folder}"


def ledger(run: Run) -> list[dict[str, Any]]:
    path = run.folder / "ledger.jsonl"
    if not path.is_file():
        return []
    entries = []
    for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            entries.append(dict(json.loads(text)))
        except ValueError as error:
            raise RunError(
                "malformed line in the ledger of test openings",
                expected="a JSON object a line",
                got=str(error),
                where=f"{path}:{line}",
                next_step="repair or remove the line, and say so where you report the run",
            ) from None
    return entries


def cost(run: Run, name: str) -> dict[str, Any]:
    facts = run.manifest
    return {
        "name": name,
        "parameters": f"{facts['parameters']:,}",
        "epochs": facts["epochs"],
        "best_epoch": facts["best_epoch"],
        "seconds": f"{facts['training_seconds']:,.1f}",
        "seconds_per_epoch": f"{facts['training_seconds'] / max(facts['epochs'], 1):,.2f}",
        "memory": f"{facts['peak_memory_mb']:,}",
        "device": run.recipe.training.device,
        "threads": facts["threads"],
    }


def environments(runs: Sequence[Run], names: Mapping[Path, str]) -> list[dict[str, Any]]:
    """Each environment in which runs were trained once: the `runs`, and what they were made with and on."""
    found: list[dict[str, Any]] = []
    for run in runs:
        facts = run.manifest["environment"] | {
            "threads": run.manifest["threads"],
            "device": run.recipe.training.device,
        }
        if BEGUN_WITH in run.manifest:
            facts[BEGUN_WITH] = code_of(run.manifest[BEGUN_WITH])
        same = next((one for one in found if one["facts"] == facts), None)
        if same is None:
            found.append(same := {"runs": [], "facts": facts})
        same["runs"].append(names[run.folder])
    return found


def provenance(run: Run, name: str) -> dict[str, Any]:
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


def commands(
    runs: Sequence[Run], split: str, out: Path, dose_response: Path | None = None, *, replicates: bool = False
) -> str:
    """The commands that make this page anew; RAW and WORLD stand for what a run does not know.

    Args:
        replicates: whether runs that differ in the seed alone are one method on the page.
    """
    prepared, _ = prepared_manifest(runs[0])
    lines = []
    if prepared is not None and "source" in prepared.provenance:
        source, options = prepared.provenance["source"], prepared.provenance.get("options", {})
        chosen = [f"{key}={_text(value)}" for key, value in options.items() if value not in (None, "")]
        lines.append(command("prepare", source, raw="RAW", out=runs[0].recipe.data.path, options=chosen))
    folders = []
    for run in runs:
        again = f"{run.folder}-again"
        folders.append(again)
        recipe, data = run.folder / "recipe.toml", run.recipe.data.path
        moved = Recipe.from_toml(recipe).data.path != data
        overrides = [f"data.path={data}"] if moved else []
        lines.append(command("train", recipe, out=again, overrides=overrides))
        entries = run.metrics().values()
        labels = list(dict.fromkeys(entry["estimand"] for entry in entries if entry["result_set"] == split))
        result_sets = dict.fromkeys(entry["result_set"] for entry in entries)
        truths = [EVALUATE_ARGUMENTS[name] for name in TRUTH_SETS.values() if name in result_sets]
        elsewhere = (*HELD_OUT, *TRUTH_SETS.values(), *(SLICES if split != "test" else ()))
        more: dict[str, object] = {}
        for name in result_sets:
            if name not in elsewhere:
                more |= EVALUATE_ARGUMENTS[name]
        first, *rest = truths or [{}]  # one evaluation has one truth
        lines.append(command("evaluate", again, split=split, estimands=labels, **more, **first))
        lines += [command("evaluate", again, split=split, estimands=labels, **truth) for truth in rest]
    page = out.with_stem(f"{out.stem}-again")
    lines.append(
        command("compare", *folders, result_set=split, replicates=replicates, out=page, dose_response=dose_response)
    )
    return "\n".join(lines)


def _text(option: Any) -> str:
    return ",".join(map(str, option)) if isinstance(option, list) else str(option)
