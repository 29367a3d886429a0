"""Every backbone under CT and under HCR on one real dataset, tuned alike: quality, time and memory.

    python benchmarks/backbones.py tiktok --data DIR       DiffMM's split: visual and acoustic features
    python benchmarks/backbones.py alibaba --data DIR      clicks and purchases: price and category
    python benchmarks/backbones.py beauty --data DIR       the 7-core of Amazon's Beauty: item attributes

Each cell, a backbone with a decoder, gets the same number of trainings to be tuned with on the validation likes, the
first being the recipe itself; its best settings are then trained with the other seeds. Time and memory are measured at
the end, one cell after the other, each in a process of its own. Run again with the same --out it goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import pandas as pd
import typer
from common import RECIPES, prepared, run

from graphrec.allocator import keep_large_blocks
from graphrec.backbones import backbones
from graphrec.benchmark import tell_failure
from graphrec.carry_out import other_code, train
from graphrec.comparison import paired_tests
from graphrec.errors import MismatchError, RunError
from graphrec.evaluation.metrics import summarise, table_row
from graphrec.experiments import hold_place
from graphrec.files import read_json, replace_file, sha256, write_json
from graphrec.in_processes import in_processes
from graphrec.recipe import Recipe
from graphrec.report.tables import cell, clear_best, metric_label, number
from graphrec.run import Run
from graphrec.tuning import tune

DECODERS = ("ct", "hcr")
ID_ITEMS = "backbone.modality_items=joint"
"""HCR reads modalities only; where a backbone gives ids, these hold the item's id representation, as MMGCN's do."""


@dataclass(frozen=True)
class Setting:
    """One dataset of the benchmark.

    Args:
        source, options: how the raw files are read.
        shown: the metrics of the table, the one that others publish first.
        mmgcn: what MMGCN needs besides, such as narrower words.
        published: the first metric as others report it on the same split, each model with its own training; read, not
            run. By backbone, and by name what has no backbone here.
        published_note: where these figures are from, and what they had that ours have not.
    """

    source: str
    shown: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=dict)
    mmgcn: tuple[str, ...] = ()
    published: Mapping[str, float] = field(default_factory=dict)
    published_note: str = ""


NARROW = ("backbone.word_size=64", "backbone.projection=64")
SETTINGS = {
    "tiktok": Setting(
        "tiktok",
        ("recall@20", "ndcg@20"),
        published_note="Published: Recall@20 as DiffMM's authors report it on this split (Jiang et al., ACM MM 2024, "
        "Table 2), read, not run. Their models had textual features, too, which the split's files lack; `mf` stands "
        "beside their VBPR, which has features as it has.",
        published={
            "BPR-MF": 0.0346,
            "mf": 0.0380,
            "ngcf": 0.0604,
            "lightgcn": 0.0653,
            "mmgcn": 0.0730,
            "grcn": 0.0804,
            "lattice": 0.0843,
            "SLMRec": 0.0845,
            "bm3": 0.0957,
            "DiffMM": 0.1129,
        },
    ),
    "alibaba": Setting("alibaba", ("recall@50", "ndcg@50"), mmgcn=NARROW),
    "beauty": Setting("amazon", ("recall@20", "ndcg@20"), {"category": "Beauty", "layout": "lists"}, NARROW),
}


def main(
    dataset: Annotated[str, typer.Argument(help="tiktok, alibaba or beauty.")],
    data: Annotated[Path, typer.Option(help="The folder of the real files.")],
    out: Annotated[Path | None, typer.Option(help="Where everything goes; by default runs/backbones/DATASET.")] = None,
    only: Annotated[str, typer.Option(help="Backbones, with commas; all by default.")] = "",
    trials: Annotated[int, typer.Option(help="Trainings a cell is tuned with.", min=1)] = 3,
    seeds: Annotated[int, typer.Option(help="Seeds that the best settings are trained with.", min=1)] = 3,
    jobs: Annotated[int, typer.Option(help="Cells at a time.", min=1)] = 1,
) -> None:
    if dataset not in SETTINGS:
        raise typer.BadParameter(", ".join(SETTINGS), param_hint="DATASET")
    names = [name.strip() for name in only.split(",")] if only else list(backbones)
    for name in names:
        backbones.get(name)
    recipe = RECIPES / f"backbones-{dataset}.toml"
    asked = {"benchmark": f"backbones {dataset}", recipe.name: sha256(recipe)[:12]}
    with hold_place(out or Path("runs/backbones") / dataset, asked) as place:
        _compare(dataset, data, place, names, trials, seeds, jobs)


def _compare(dataset: str, data: Path, out: Path, names: list[str], trials: int, seeds: int, jobs: int) -> None:
    """All cells, and their tables in `out`."""
    setting = SETTINGS[dataset]
    ready = prepared(setting.source, data, out, dataset, setting.options)
    tasks = [
        (name, decoder, _recipe(dataset, ready, name, decoder), out, trials, seeds)
        for decoder in DECODERS
        for name in names
    ]
    cells = {}
    for done, found in enumerate(in_processes(_carry_out, tasks, jobs), start=1):
        cells[found.backbone, found.decoder] = found
        print(f"{done} of {len(tasks)} cells: {found.backbone} under {found.decoder} {found.failure}", flush=True)
    if not any(found.folders for found in cells.values()):
        raise RunError("every cell failed", got="; ".join(f"{one.name}: {one.failure}" for one in cells.values()))
    if said := other_code([run for found in cells.values() for run in found.runs]):
        print(f"warning: {said}; a new --out trains all anew", file=sys.stderr)
    costs = dict(in_processes(_cost, [(found, out / "costs") for found in cells.values() if found.folders], 1))
    tables, texts = [], []
    for decoder in DECODERS:
        table, text = _judged([cells[name, decoder] for name in names], costs, setting)
        tables.append(table)
        texts.append(f"**{decoder.upper()}**\n\n{text}")
    about = {found.name: found.about() | {"cost": costs.get(found.name)} for found in cells.values()}
    for name, text in (
        ("results.csv", pd.concat(tables).to_csv(index=False)),
        ("results.md", "\n".join(texts)),
        ("about.json", json.dumps({"trials": trials, "seeds": seeds, "jobs": jobs, "cells": about}, indent=2) + "\n"),
    ):
        with replace_file(out / name) as part:
            part.write_text(text, encoding="utf-8")
    print("\n" + (out / "results.md").read_text(encoding="utf-8"))


def _recipe(dataset: str, prepared: Path, backbone: str, decoder: str) -> Recipe:
    settings = [f"data.path={prepared}", f"backbone.name={backbone}", f"decoder.name={decoder}"]
    if backbone == "mmgcn":
        settings += SETTINGS[dataset].mmgcn
    if decoder == "hcr" and backbones.get(backbone).gives == "ids":
        settings.append(ID_ITEMS)
    return Recipe.from_toml(RECIPES / f"backbones-{dataset}.toml", settings)


@dataclass(frozen=True)
class Cell:
    """A backbone under a decoder: the folders of its runs with the best settings, one a seed, or why there are none."""

    backbone: str
    decoder: str
    folders: tuple[Path, ...] = ()
    failure: str = ""

    @cached_property
    def runs(self) -> list[Run]:
        return [Run(folder) for folder in self.folders]

    @property
    def name(self) -> str:
        return f"{self.backbone} {self.decoder}"

    @property
    def estimand(self) -> str:
        """The decoder's own, the first."""
        return next(entry["estimand"] for entry in self.runs[0].metrics().values() if entry["part"] == "test")

    def about(self) -> dict[str, Any]:
        """What repeats it, without this machine's paths."""
        if not self.folders:
            return {"failed": self.failure}
        recipe = self.runs[0].recipe.model_dump(mode="json")
        recipe["data"].pop("path")
        return {"recipe": recipe, "runs": [run.about() for run in self.runs]}


def _carry_out(name: str, decoder: str, recipe: Recipe, out: Path, trials: int, seeds: int) -> Cell:
    """Tune, train the best settings with the other seeds, evaluate."""
    keep_large_blocks()  # each process its own
    runs = []
    try:
        tuned = tune(recipe, out / "tuning" / f"{name}-{decoder}", trials=trials, sampler="random")
        for seed in range(seeds):
            best = tuned.recipe.model_copy(update={"seed": seed})
            runs.append(train(best, out / "runs" / f"{name}-{decoder}-{seed}") if seed else tuned.run)
            if not any(entry["part"] == "test" for entry in runs[-1].metrics().values()):
                runs[-1].evaluate(reason="benchmark of backbones")
    except MismatchError:  # results of another recipe or other data are not to be replaced
        raise
    except Exception as error:
        why = tell_failure(f"{name} under {decoder}", error)
        return Cell(name, decoder, failure=f"failed: {why.partition(';')[0]}")
    return Cell(name, decoder, tuple(run.folder for run in runs))


Cost = dict[str, Any]


def _cost(cell: Cell, folder: Path) -> tuple[str, Cost]:
    """Seconds an epoch and the process's peak memory, of a short training with the cell's settings.

    Kept in `folder`, and measured again where tuning with more trials has chosen other settings since.
    """
    kept, recipe = folder / f"{cell.backbone}-{cell.decoder}.json", cell.runs[0].recipe
    settings = hashlib.sha256(recipe.with_data_at("").to_toml().encode()).hexdigest()[:12]
    if not kept.is_file() or read_json(kept).get("recipe") != settings:
        keep_large_blocks()
        epochs = {"epochs": recipe.training.validate_every}  # a validation is part of it
        short = recipe.model_copy(update={"training": recipe.training.model_copy(update=epochs)})
        with TemporaryDirectory() as scratch:
            made = train(short, Path(scratch) / "run").manifest
        cost = {"seconds_an_epoch": made["training_seconds"] / made["epochs"], "megabytes": made["peak_memory_mb"]}
        write_json(kept, cost | {"threads": made["threads"], "recipe": settings})
    return cell.name, read_json(kept)


def _judged(cells: list[Cell], costs: Mapping[str, Cost], setting: Setting) -> tuple[pd.DataFrame, str]:
    """All metrics of a decoder's backbones, and a Markdown table of the two that are shown, and of time and memory.

    The best is bold if it differs from every other significantly, over users and seeds; see `graphrec.comparison`.
    Published figures stand beside CT's, whose loss, BPR on the likes, is the nearest to what those were trained with.
    """
    done = [cell for cell in cells if cell.folders]
    kept = [[run.per_user(cell.estimand, "test") for run in cell.runs] for cell in done]
    rows = [table_row(cell.backbone, cell.estimand, summarise(*tables)) for cell, tables in zip(done, kept)]
    table = pd.DataFrame(rows).assign(decoder=[cell.decoder for cell in done])
    table = table.assign(**{key: [costs[cell.name][key] for cell in done] for key in ("seconds_an_epoch", "megabytes")})
    shown = setting.shown
    tests = paired_tests({row: [one[["user", *shown]] for one in tables] for row, tables in enumerate(kept)})
    best = {metric: clear_best(table, metric, tests) for metric in shown}
    published = setting.published if cells[0].decoder == "ct" else {}
    titles = [*map(metric_label, shown), "s/epoch", "MB"]
    titles[2:2] = [f"{metric_label(shown[0])}, published"] if published else []
    lines = ["| backbone | " + " | ".join(titles) + " |", "|---" * (1 + len(titles)) + "|"]
    row_of = {cell.backbone: row for row, cell in enumerate(done)}
    for one in cells:
        row = row_of.get(one.backbone)
        if row is None:
            lines.append(_line(f"`{one.backbone}`", [one.failure], titles))
            continue
        values = [cell(table.loc[row], metric, bold=best[metric] == row) for metric in shown]
        values += [number(published[one.backbone]) if one.backbone in published else "–"] if published else []
        cost = costs[one.name]
        values += [f"{cost['seconds_an_epoch']:.1f}", f"{cost['megabytes']:,}"]
        lines.append(_line(f"`{one.backbone}`", values, titles))
    others = {name: figure for name, figure in published.items() if name not in backbones}
    lines += [_line(f"{name} (not here)", ["", "", number(figure)], titles) for name, figure in others.items()]
    return table, "\n".join([*lines, *(["", setting.published_note] if published else [])]) + "\n"


def _line(name: str, values: list[str], titles: list[str]) -> str:
    return "| " + " | ".join([name, *values, *[""] * (len(titles) - len(values))]) + " |"


if __name__ == "__main__":
    run(main)
