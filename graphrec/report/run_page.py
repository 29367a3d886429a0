"""One self-contained HTML page: what was run, what came out, what that rests on, and how to repeat it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from graphrec.arguments import items_argument, path_argument, require_type
from graphrec.errors import OUT, Argument, Phrase, RunError
from graphrec.evaluation.baselines import Baseline
from graphrec.report.page import SPLITS, RunPage
from graphrec.report.primitives.paper_table import PaperTable
from graphrec.report.primitives.tables import counted
from graphrec.report.primitives.template import template
from graphrec.report.result_table import verdicts
from graphrec.report.section import Section, in_order, rendered, report_sections
from graphrec.report.sections.causal_claims import CausalSection
from graphrec.report.sections.cost import CostSection
from graphrec.report.sections.data import DataSection
from graphrec.report.sections.dose_response import DoseResponseSection
from graphrec.report.sections.environment import EnvironmentSection
from graphrec.report.sections.explanation import ExplanationSection
from graphrec.report.sections.methods import MethodsSection
from graphrec.report.sections.paper_tables import PaperTablesSection
from graphrec.report.sections.provenance import ProvenanceSection
from graphrec.report.sections.ranking import RankingSection
from graphrec.report.sections.refutation import RefutationSection
from graphrec.report.sections.repeat import RepeatSection
from graphrec.report.sections.sensitivity import SensitivitySection
from graphrec.report.sections.slices import SlicesSection
from graphrec.report.sections.training import TrainingSection
from graphrec.report.sections.truth import TruthSection
from graphrec.report.sections.user_lists import UserListsSection
from graphrec.report.trained_method import methods_of
from graphrec.runs.run import Run
from graphrec.system.output_file import require_output, write_output

KIND = "report"

SECTIONS: tuple[type[Section], ...] = (
    DataSection,
    RankingSection,
    TruthSection,
    SlicesSection,
    SensitivitySection,
    DoseResponseSection,
    PaperTablesSection,
    TrainingSection,
    CausalSection,
    ExplanationSection,
    UserListsSection,
    RefutationSection,
    CostSection,
    MethodsSection,
    EnvironmentSection,
    ProvenanceSection,
    RepeatSection,
)
"""The built-in sections in the order of the page."""


def write_report(
    runs: Sequence[Run] | Sequence[Sequence[Run]],
    out: Path,
    split: str = "test",
    title: str | None = None,
    *,
    paper_tables: Sequence[PaperTable] = (),
    dose_response: Path | None = None,
    failed: Mapping[str, str] | None = None,
    compared: Mapping[str, Mapping[str, str]] | None = None,
    baselines: Sequence[Baseline] = (),
    deviations: Sequence[str] = (),
    sections: Iterable[Section] = (),
    force: bool = False,
) -> Path:
    """Write the page and return its path; it needs no server, script, or other file, and opens no test split.

    >>> table = run.evaluate(split="valid")
    >>> gr.write_report([run], "report.html", split="valid").name
    'report.html'

    Args:
        runs: evaluated on `split`, and trained on the same split; or for each method the runs of its seeds, of which
            tables and tests are over users and seeds, and curves, lists and explanations are the first seed's. Results
            of `graphrec.runs.analyses` are shown, too.
        out: the file to write, atomically.
        split: `test` or `valid`.
        title: by default the number of runs and the dataset.
        paper_tables: tables and figures that were made of the runs, such as a paper's.
        dose_response: `results.csv` of a study on simulated worlds, see `graphrec.experiments.dose_response`.
        failed: methods that are not among the runs because they ended in an error, with its reason.
        compared: by the runs' name, the estimands whose rows are ranked and tested, by label, and what the rows are
            called; by default all that each was evaluated under, of an ablation next to its method its own alone.
        baselines: what the methods are ranked with, such as popularity.
        deviations: how the experiments depart from a paper's, in sentences; the deviations of each backbone and
            decoder are on the page in any case.
        sections: custom sections, besides the registered ones; see `graphrec.report.section`.
        force: overwrite whatever file is there; by default only a report as it was written.

    Raises:
        RunError: no runs, another split, a run was not evaluated, the runs do not share their split, methods have
            different numbers of seeds.
        ForeignFileError: `out` is a folder, or a file that graphrec did not write as a report.
        DataError: `dose_response` is not the table of a study.
        ComponentError: two sections have one id, or a custom one precedes a section that there is not.
    """
    out = path_argument("out", out)
    require_type("title", title, (str, type(None)), "a text, or None for the default")
    runs = _runs_argument(runs)
    _require_reportable(runs, split)
    require_output(out, KIND, force=force)
    methods = tuple(methods_of(runs, compared))
    page = RunPage(methods, split, out, paper_tables, dose_response, failed, baselines, deviations)
    text = template("report.html").render(
        page=page,
        title=title or f"{counted(len(page.runs), 'run')} on {page.runs[0].manifest['dataset']}",
        verdict=verdicts(page.comparison)[0],
        truths=[(truth.target, verdicts(truth.comparison)[0]) for truth in page.truths],
        sections=rendered(all_sections(sections), page),
    )
    return write_output(out, text, KIND, force=force)


def all_sections(custom: Iterable[Section] = ()) -> list[Section]:
    """The built-in sections, and before those that they name the registered and the custom ones.

    >>> [section.id for section in all_sections()][:5]
    ['data', 'ranking', 'truth', 'slices', 'sensitivity']

    Raises:
        ComponentError: two sections have one id, or one precedes a section that there is not.
    """
    return in_order(SECTIONS, [*(report_sections.get(name)() for name in report_sections), *custom])


def _runs_argument(runs: object) -> Any:
    """The runs as a list of runs, or of lists of runs."""
    expected = "runs, such as [Run('runs/hcr')], or for each method a list of runs"
    entries = items_argument("runs", runs, expected)
    for entry in entries:
        for run in [entry] if isinstance(entry, Run) else items_argument("runs", entry, expected):
            require_type("runs", run, Run, expected)
    return entries


def _require_reportable(runs: Sequence[Run] | Sequence[Sequence[Run]], split: str) -> None:
    if not runs:
        raise RunError("nothing to report", expected="at least one run", got="none", where=Argument("runs"))
    if not isinstance(split, str) or split not in SPLITS:
        raise RunError(
            "a report is about held-out likes; a simulated world's truth is on its page too",
            expected="split " + " or ".join(SPLITS),
            got=f"`{split}`",
            where=Argument("split", option="result_set"),
            next_step=Phrase("leave out {} for the table of another result set", OUT),
        )
