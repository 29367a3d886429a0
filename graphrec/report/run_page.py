"""One self-contained HTML page: what was run, what came out, what that rests on, and how to repeat it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from graphrec.data.split import list_splits
from graphrec.errors import OUT, Phrase, RunError
from graphrec.evaluation.baselines import Baseline
from graphrec.evaluation.result_sets import TRUTH_SETS
from graphrec.report.primitives.paper_table import PaperTable
from graphrec.report.primitives.plots import training_plot
from graphrec.report.primitives.tables import counted
from graphrec.report.primitives.template import template
from graphrec.report.sections.causal_claims import causal_claims
from graphrec.report.sections.dose_response import doses
from graphrec.report.sections.explanation import explanations
from graphrec.report.sections.methods import methods as part_notes
from graphrec.report.sections.methods import run_rows
from graphrec.report.sections.paper_tables import paper_table_sections
from graphrec.report.sections.provenance import commands, cost, environments, ledger, prepared_manifest, provenance
from graphrec.report.sections.ranking import methods_in_order, ranking, results, rows
from graphrec.report.sections.refutation import refutations
from graphrec.report.sections.sensitivity import settings, strengths
from graphrec.report.sections.slices import slices
from graphrec.report.sections.user_lists import user_lists
from graphrec.report.trained_method import Trained, methods_of, run_names
from graphrec.runs.run import Run
from graphrec.system.files import write_text

SPLIT_SETTINGS = {
    "chronological": ("train",),
    "global_time": ("train", "valid", "until"),
    "random": ("train", "valid", "seed"),
}
COUNTS = {
    "users": "users",
    "items": "items",
    "train_clicks": "train clicks",
    "train_likes": "train likes",
    "valid": "validation likes",
    "test": "test likes",
}
SPLITS = {"test": "test", "valid": "validation"}


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
) -> Path:
    """Write the page and return its path; it needs no server, script, or other file, and opens no test split.

    Args:
        runs: evaluated on `split`, and trained on the same split; or for each method the runs of its seeds, of which
            tables and tests are over users and seeds, and curves, lists and explanations are the first seed's. What
            `graphrec.runs.analyses` found of them is shown, too.
        out: the file to write, whole or not at all.
        split: `test` or `valid`.
        title: by default the number of runs and the dataset.
        paper_tables: tables and figures that were made of the runs, such as a paper's.
        dose_response: `results.csv` of a study on simulated worlds, see `graphrec.experiments.dose_response`.
        failed: methods that are not among the runs because they ended in an error, with its reason.
        compared: by the runs' name, the estimands whose rows are ranked and tested, by label, and what the rows are
            called; by default all that each was evaluated under, of an ablation beside its method its own alone.
        baselines: what stands beside the methods where they are ranked, such as popularity.
        deviations: how the experiments depart from a paper's, in sentences. How each component departs is on the
            page in any case.

    Raises:
        RunError: no runs, another split, a run was not evaluated, the runs do not share their split, methods have
            different numbers of seeds, or `out` is a folder.
        DataError: `dose_response` is not the table of a study.
    """
    out = Path(out)
    _require_reportable(runs, split, out)
    methods = methods_of(runs, compared)
    every, firsts = [run for method in methods for run in method.runs], [method.first for method in methods]
    names, called = run_names(methods), {method.first.folder: method.name for method in methods}
    found = results(methods, split, baselines)
    truths = {
        target: (judged, results(judged, kept, baselines))
        for target, kept in TRUTH_SETS.items()
        if (judged := [method for method in methods if method.has(kept)])
    }
    judged_on = {split: methods, **{TRUTH_SETS[target]: judged for target, (judged, _) in truths.items()}}
    tables = [found.table, *(truth.table for _, truth in truths.values())]
    seeds = len(methods[0].runs)
    page = template("report.html").render(
        title=title or f"{counted(len(every), 'run')} on {every[0].manifest['dataset']}",
        split=SPLITS[split],
        seeds=seeds,
        first_seed=firsts[0].recipe.seed,
        intervals="bootstrap intervals over users" if seeds == 1 else f"intervals over users and {seeds} seeds",
        data=_data(methods),
        run_rows=run_rows(methods),
        failed=dict(failed or {}),
        ranking=ranking(found, "rank"),
        truths=[
            {
                "target": target,
                "ranking": ranking(truth, target),
                "unjudged": [method.name for method in methods if method not in judged],
            }
            for target, (judged, truth) in truths.items()
        ],
        slices=slices(methods) if split == "test" else [],
        strengths=strengths([rows(judged, kept, every=True)[0] for kept, judged in judged_on.items()]),
        settings=settings(firsts, called, tables),
        doses=None if dose_response is None else doses(dose_response, methods_in_order(found.table)),
        paper_tables=paper_table_sections(paper_tables),
        training=[_training(run, names[run.folder], f"train{n}") for n, run in enumerate(firsts)],
        decoders=causal_claims(firsts, split),
        refutations=refutations(every, names),
        explanations=explanations(firsts, names),
        lists=user_lists(firsts, names),
        cost=[cost(run, names[run.folder]) for run in every],
        methods=part_notes(firsts, called),
        deviations=list(deviations),
        environments=environments(every, names),
        runs=[provenance(run, names[run.folder]) for run in every],
        same_data=len({run.manifest["dataset_fingerprint"] for run in every}) == 1,
        commands=commands(every, split, out, dose_response, replicates=seeds > 1),
    )
    write_text(out, page)
    return out


def _require_reportable(runs: Sequence[Run] | Sequence[Sequence[Run]], split: str, out: Path) -> None:
    if not runs:
        raise RunError("nothing to report", expected="at least one run", got="none", where="runs")
    if split not in SPLITS:
        raise RunError(
            "a report is about held-out likes; a simulated world's truth is on its page too",
            expected="split " + " or ".join(SPLITS),
            got=f"`{split}`",
            where="split",
            next_step=Phrase("leave out {} for the table of another result set", OUT),
        )
    if out.is_dir():
        raise RunError("the report is a file", got="a folder", where=out, next_step="name a file, such as report.html")


# What was run on what


def _data(methods: Sequence[Trained]) -> dict[str, Any]:
    run = methods[0].first
    split = run.recipe.split
    chosen = {key: getattr(split, key) for key in SPLIT_SETTINGS.get(split.name, ())}
    settings = ", ".join(f"{key} {value}" for key, value in chosen.items() if value is not None)
    rule = run.recipe.data.filter
    counts = run.manifest["counts"]
    prepared, problem = prepared_manifest(run)
    feedback = {} if prepared is None else prepared.feedback | dict(run.recipe.data.feedback)
    source = {} if prepared is None else prepared.provenance
    return {
        "name": run.manifest["dataset"],
        "simulated": run.manifest["simulated"],
        "problem": problem,
        "source": source.get("source"),
        "layout": source.get("layout"),
        "raw_files": source.get("files", {}),
        "sizes": [(label, counts[key]) for key, label in COUNTS.items()],
        "dropped": [
            (key.removeprefix("dropped_").replace("_", " "), value)
            for key, value in counts.items()
            if key not in COUNTS and value
        ],
        "split": split.name + (f" ({settings})" if settings else ""),
        "filter": rule and f"{rule.kind}, at least {rule.users} items a user and {rule.items} users an item",
        "split_summary": dict(list_splits()).get(split.name, ""),
        "feedback": {key: ", ".join(feedback[key]) for key in ("click", "like") if key in feedback},
        "single_behaviour": run.manifest["single_behaviour"],
        "modalities": {role: run.manifest["context"][role] for role in ("exposure", "content")},
        "openings": [(method.name, _times([len(ledger(run)) for run in method.runs])) for method in methods],
    }


def _times(counts: Sequence[int]) -> str:
    """How often something was done in each of several runs."""
    low, high = min(counts), max(counts)
    return counted(high, "time") if low == high else f"{low} to {high} times"


def _training(run: Run, name: str, key: str) -> dict[str, Any]:
    monitor = run.recipe.training.monitor
    plot = training_plot(run.history, monitor, run.manifest["best_epoch"], name, key)
    return {"name": name, "plot": Markup(plot)}
