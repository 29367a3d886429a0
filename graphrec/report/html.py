"""One self-contained HTML page: what was run, what came out, what that rests on, and how to repeat it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from graphrec.causal import TotalIndirectEffect, label, parse_estimand
from graphrec.comparison import Comparison, compare_runs
from graphrec.data.split import list_splits
from graphrec.errors import RunError
from graphrec.evaluation.metrics import better
from graphrec.evaluation.significance import LEVEL
from graphrec.files import replace_file
from graphrec.report.claims import TRUTH, causal_claims
from graphrec.report.explanations import explanations
from graphrec.report.plots import Estimate, curve_plot, dot_plot, training_plot
from graphrec.report.refutations import refutations
from graphrec.report.repeat import commands, cost, ledger, prepared_manifest, provenance
from graphrec.report.tables import (
    best_row,
    clear_best,
    metric_label,
    metric_names,
    number,
    rivals,
    row_names,
)
from graphrec.run import Run, run_labels

PRIMARY = "ndcg@50"
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
PARTS = {"test": "test", "valid": "validation"}


def write_report(runs: Sequence[Run], out: Path, part: str = "test", title: str | None = None) -> Path:
    """Write the page and return its path; it needs no server, script, or other file, and opens no test part.

    Args:
        runs: evaluated on `part`, and trained on the same split.
        out: the file to write, whole or not at all.
        part: `test` or `valid`.
        title: by default the number of runs and the dataset.

    Raises:
        RunError: no runs, another part, a run was not evaluated, the runs do not share their split, or `out` is a
            folder.
    """
    out = Path(out)
    if not runs:
        raise RunError("nothing to report", expected="at least one run", got="none", where="runs")
    if part not in PARTS:
        raise RunError(
            "a report is about held-out likes; a simulated world's truth is on its page too",
            expected="part " + " or ".join(PARTS),
            got=f"`{part}`",
            where="part",
            next_step="leave out --out for the table of another part",
        )
    if out.is_dir():
        raise RunError("the report is a file", got="a folder", where=out, next_step="name a file, such as report.html")
    names = _names(runs)
    results = _results(runs, names, part)
    judged = [run for run in runs if any(entry["part"] == TRUTH for entry in run.metrics().values())]
    truths = _results(judged, names, TRUTH) if judged else None
    page = template("report.html").render(
        title=title or f"{_count(len(runs), 'run')} on {runs[0].manifest['dataset']}",
        part=PARTS[part],
        data=_data(runs, names),
        ranking=_ranking(results, "rank"),
        truth=None if truths is None else _ranking(truths, "truth"),
        unjudged=[names[run.folder] for run in runs if run not in judged] if judged else [],
        sweeps=_sweeps([one.table for one in (results, truths) if one is not None]),
        training=[_training(run, names[run.folder], f"train{n}") for n, run in enumerate(runs)],
        decoders=causal_claims(runs, part),
        refutations=refutations(runs, names),
        explanations=explanations(runs, names),
        cost=[cost(run, names[run.folder]) for run in runs],
        runs=[provenance(run, names[run.folder]) for run in runs],
        same_data=len({run.manifest["dataset_fingerprint"] for run in runs}) == 1,
        commands=commands(runs, part, out),
    )
    with replace_file(out) as file:
        file.write_text(page, encoding="utf-8")
    return out


def template(name: str) -> Any:
    """A page of this folder, with the filters that the pages use."""
    environment = Environment(
        loader=PackageLoader("graphrec", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "thousands": "{:,}".format, "breakable": _breakable}
    return environment.get_template(name)


def _breakable(text: str) -> Markup:
    """Long estimand labels may break after a colon or an underscore."""
    return Markup(re.sub(r"([:_])", r"\1<wbr>", str(escape(text))))


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _names(runs: Sequence[Run]) -> dict[Path, str]:
    """What to call each run: its name, with the folder where two runs share one."""
    shared = [run.name for run in runs]
    return {run.folder: run.name if shared.count(run.name) == 1 else f"{run.name} ({run.folder})" for run in runs}


# What was run on what


def _data(runs: Sequence[Run], names: dict[Path, str]) -> dict[str, Any]:
    run = runs[0]
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
        "seeds": _distinct(str(one.recipe.seed) for one in runs),
        "backbones": _distinct(one.recipe.backbone["name"] for one in runs),
        "decoders": _distinct(one.recipe.decoder["name"] for one in runs),
        "openings": [(names[one.folder], len(ledger(one))) for one in runs],
    }


def _distinct(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(values))


# What came out


def _results(runs: Sequence[Run], names: dict[Path, str], part: str) -> Comparison:
    """The comparison, each row with `run` unique to its run and `row`, a name unique to the row."""
    found = compare_runs(runs, part)
    called = {shown: names[run.folder] for shown, run in zip(run_labels(runs), runs)}
    table = found.table.assign(run=found.table["run"].map(called))
    return Comparison(table.assign(row=row_names(table)), found.tests)


def _ranking(found: Comparison, key: str) -> dict[str, Any]:
    """A table of all metrics, a plot of each headline metric, and what they say in a sentence."""
    table, tests = found.table, found.tests
    metrics = metric_names(table)
    winners = {metric: clear_best(table, metric, tests) for metric in metrics}
    rows = []
    for index, row in table.iterrows():
        cells = [
            {"mean": row[m], "low": row[f"{m}_low"], "high": row[f"{m}_high"], "best": winners[m] == index}
            for m in metrics
        ]
        about = row["run"] if row["estimand"] == row["method"] else f"{row['run']}, {row['estimand']}"
        rows.append({"method": row["method"], "about": about, "cells": cells})
    headline = _headline(metrics)
    plots = [dot_plot(_estimates(table, m), m, f"{key}{n}") for n, m in enumerate(headline)]
    users = sorted({int(n) for n in table["users"]})
    return {
        "headers": [(metric_label(metric), better(metric)) for metric in metrics],
        "rows": rows,
        "users": f"{users[0]:,}" + (f" to {users[-1]:,}" if len(users) > 1 else ""),
        "plots": [Markup(plot) for plot in plots],
        "verdicts": [_verdict(table, metric, tests) for metric in headline],
    }


def _headline(metrics: Sequence[str]) -> list[str]:
    """The metrics that are drawn: all of the truth, else NDCG@50 or what comes nearest to it."""
    if any("_do" in metric for metric in metrics):
        return list(metrics)
    ndcg = [metric for metric in metrics if metric.startswith("ndcg")]
    return [PRIMARY] if PRIMARY in metrics else (ndcg or list(metrics))[:1]


def _estimate(row: pd.Series, metric: str) -> Estimate:
    return Estimate(row["row"], row[metric], row[f"{metric}_low"], row[f"{metric}_high"])


def _estimates(table: pd.DataFrame, metric: str) -> list[Estimate]:
    return [_estimate(row, metric) for _, row in table.iterrows()]


def _verdict(table: pd.DataFrame, metric: str, tests: pd.DataFrame) -> str:
    if better(metric) == "neither":
        low, high = (number(end) for end in (table[metric].min(), table[metric].max()))
        return f"{metric_label(metric)} is {low} to {high}; neither end is better in itself."
    best = best_row(table, metric)
    if best is None:
        return f"{metric_label(metric)} could not be measured."
    name, value = table.loc[best, "row"], number(table.loc[best, metric])
    if len(table) == 1:
        return f"{metric_label(metric)} of {name} is {value}."
    extreme = {"higher": "highest", "lower": "lowest", "nearer 0": "smallest"}[better(metric)]
    said = f"{name} has the {extreme} {metric_label(metric)}, {value}"
    _, against = rivals(table, metric, tests)
    near = int((against["p"] >= LEVEL).sum())
    if len(against) and not near:
        return f"{said}, significantly better than the {len(against)} others in the table."
    return f"{said}, but it does not differ significantly from {near} of the {len(table) - 1} others."


def _sweeps(tables: Sequence[pd.DataFrame]) -> list[Markup]:
    """A curve for each headline metric over the strengths of the total indirect effect, if several."""
    plots: list[Markup] = []
    for table in tables:
        for metric in _headline(metric_names(table)):
            curves: dict[str, list[tuple[float, Estimate]]] = {}
            for _, row in table.iterrows():
                effect = parse_estimand(row["estimand"])[0]
                if isinstance(effect, TotalIndirectEffect):
                    options = label(effect.model_copy(update={"strength": 1.0})).partition(":")[2]
                    name = row["run"] + (f", {options}" if options else "")
                    curves.setdefault(name, []).append((effect.strength, _estimate(row, metric)))
            several = {
                name: sorted(points, key=lambda point: point[0]) for name, points in curves.items() if len(points) > 1
            }
            if several:
                plots.append(Markup(curve_plot(several, metric, "strength (lambda2)", f"sweep{len(plots)}")))
    return plots


def _training(run: Run, name: str, key: str) -> dict[str, Any]:
    monitor = run.recipe.training.monitor
    plot = training_plot(run.history, monitor, run.manifest["best_epoch"], name, key)
    return {"name": name, "plot": Markup(plot)}
