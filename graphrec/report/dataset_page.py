"""One self-contained HTML page about a prepared dataset: its numbers, what was found, and its distributions."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from graphrec.checks.inspection import Inspection
from graphrec.report.dataset_sections.distributions import DistributionsSection
from graphrec.report.dataset_sections.findings import FindingsSection
from graphrec.report.dataset_sections.numbers import NumbersSection
from graphrec.report.dataset_sections.provenance import DatasetProvenanceSection
from graphrec.report.dataset_sections.split import SplitSection
from graphrec.report.page import DatasetPage
from graphrec.report.primitives.tables import counted
from graphrec.report.primitives.template import template
from graphrec.report.primitives.text_table import TextTable
from graphrec.report.section import DatasetSection, in_order, rendered
from graphrec.system.output_file import require_output, write_output

KIND = "dataset page"

DATASET_SECTIONS: tuple[type[DatasetSection], ...] = (
    NumbersSection,
    FindingsSection,
    DistributionsSection,
    SplitSection,
    DatasetProvenanceSection,
)
"""The built-in sections in the order of the page."""


def write_check_page(
    inspection: Inspection,
    out: Path,
    oracles: TextTable = ([], []),
    *,
    sections: Iterable[DatasetSection] = (),
    force: bool = False,
) -> Path:
    """Write the page and return its path; it needs no server, script, or other file.

    >>> from dataclasses import replace
    >>> from graphrec.checks.inspection import inspect
    >>> from graphrec.data.store import load
    >>> dataset = load(data)
    >>> bare = replace(dataset, interactions=dataset.interactions.drop(columns="timestamp"), features={})
    >>> page = write_check_page(inspect(bare), "check.html")
    >>> page.name, "<h1>Dataset tiktok</h1>" in page.read_text()
    ('check.html', True)

    Args:
        inspection: what the checks found of the dataset.
        out: the file to write, atomically.
        oracles: headers and rows of the gap between the log's own truth and the causal one, for a simulated world.
        sections: custom sections, see `graphrec.report.section.DatasetSection`.
        force: overwrite whatever file is there; by default only such a page as it was written.

    Raises:
        ForeignFileError: `out` is a folder, or a file that graphrec did not write as such a page.
        ComponentError: two sections have one id, or a custom one precedes a section that there is not.
    """
    out = Path(out)
    require_output(out, KIND, force=force)
    dataset, page = inspection.dataset, DatasetPage(inspection, oracles)
    severities = [finding.severity for finding in inspection.findings]
    text = template("check.html").render(
        title=f"Dataset {dataset.name}",
        simulated="simulated" in dataset.provenance,
        lead=", ".join(counted(severities.count(kind), kind) for kind in ("error", "warning")) + " found.",
        sections=rendered(in_order(DATASET_SECTIONS, sections), page),
    )
    return write_output(out, text, KIND, force=force)
