"""What the checks of `graphrec refute` show of HCR, of HCR fitted to P(like | click), and of CausalRec.

    python benchmarks/refutation.py

On a small twin of Tiktok, 600 users and 400 items, with one training a figure: what the checks can tell, not which
method is better. The same command resumes where it was interrupted. Writes results.md, results.csv, about.json.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from common import RECIPES, command, prepared, run

import graphrec as gr
from graphrec.cli.progress import training_progress
from graphrec.experiments.benchmark import recipe_values
from graphrec.experiments.benchmark.folder import lock_folder
from graphrec.refutation import Refutation
from graphrec.report.primitives.tables import markdown_table
from graphrec.report.sections.refutation import OUTCOMES
from graphrec.runs.recipe import Recipe
from graphrec.runs.run import Run
from graphrec.runs.train import train
from graphrec.system.files import sha256
from graphrec.system.owned_folder import write_own_json, write_own_text

WORLD = {"users": 600, "items": 400, "shown": 80}
METHODS = {
    "HCR": ("decoder.name=hcr",),
    "HCR given the click": ("decoder.name=hcr", "decoder.loss=bce", "decoder.like_negatives=clicked"),
    "CausalRec": ("decoder.name=causalrec",),
}


def main(
    out: Annotated[Path, typer.Option(help="Where everything goes.")] = Path("runs/refutation"),
) -> None:
    recipe = RECIPES / "refutation.toml"
    with lock_folder(out, {"benchmark": "refutation", recipe.name: sha256(recipe)[:12]}):
        raw = out / "raw"
        if not (raw / "truth").is_dir():
            gr.simulate("tiktok", raw, **WORLD)
        ready = prepared("tiktok", raw, out, "Tiktok twin")
        refutations, runs = {}, {}
        for name, settings in METHODS.items():
            chosen = Recipe.from_toml(recipe, [f"data.path={ready}", f"name={name}", *settings])
            folder = out / "runs" / name.lower().replace(" ", "-")
            runs[name] = train(chosen, folder, callbacks=[training_progress(name)])
            refutations[name] = gr.refute(runs[name], progress=training_progress)
        figures = _figures(refutations, runs)
        write_own_text(out / "results.csv", figures.to_csv(index=False))
        write_own_text(out / "results.md", _table(figures))
        about = {name: {**trained.about(), "recipe": recipe_values(trained.recipe)} for name, trained in runs.items()}
        write_own_json(out / "about.json", {"command": command(sys.argv), "world": WORLD, "runs": about})
    print("\n" + (out / "results.md").read_text(encoding="utf-8"))


def _figures(refutations: Mapping[str, Refutation], runs: Mapping[str, Run]) -> pd.DataFrame:
    """A row a method and figure, each check's outcome before; a method's causal ranking is called `causal`."""
    rows = []
    for method, refutation in refutations.items():
        own = next(iter(runs[method].variants()))
        for check in refutation.checks:
            labels = {"method": method, "check": check.name}
            rows.append(labels | {"figure": "outcome", "shown": OUTCOMES[check.passed]})
            rows += [
                labels
                | {"figure": figure.label.replace(own, "causal"), "shown": str(figure)}
                | {"value": figure.value, "low": figure.low, "high": figure.high}
                for figure in check.figures
            ]
    return pd.DataFrame(rows)


def _table(figures: pd.DataFrame) -> str:
    """A row a figure, a column a method."""
    methods = list(figures["method"].unique())
    rows = []
    for check, of_check in figures.groupby("check", sort=False):
        for label, same in of_check.groupby("figure", sort=False):
            shown = same.set_index("method")["shown"]
            rows.append((check, label, *(shown.get(method, "–") for method in methods)))
    return markdown_table(["check", "figure", *methods], rows) + "\n"


if __name__ == "__main__":
    run(main)
