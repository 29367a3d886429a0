"""Every backbone under CT and under HCR on one real dataset, tuned alike: quality, time and memory.

    python benchmarks/backbones.py tiktok --data DIR       DiffMM's split: visual and acoustic features
    python benchmarks/backbones.py alibaba --data DIR      clicks and purchases: price and category
    python benchmarks/backbones.py beauty --data DIR       the 7-core of Amazon's Beauty: item attributes

Each cell, a backbone with a decoder, gets the same number of trainings to be tuned with on the validation likes, the
first being the recipe itself; its best settings are then trained with the other seeds. Time and memory are measured at
the end, one cell after the other, each in a process of its own. The same command resumes where it was interrupted.

Writes results.csv and results.md, significance.csv (the tests of every pair of backbones under a decoder, of the
metrics that are shown), per_user.parquet (the values behind these metrics), trials.csv (every training of the tuning)
and about.json.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import pandas as pd
import typer
from common import RECIPES, command, prepared, run

from graphrec.backbones import backbones
from graphrec.causal import label
from graphrec.errors import MismatchError, RunError
from graphrec.evaluation.summary import summarise, table_row
from graphrec.experiments.benchmark import (
    ABOUT,
    BenchmarkRow,
    evaluate_missing,
    recipe_values,
    refuse_to_lose,
    report_failure,
    values_of_users,
    write_values,
)
from graphrec.experiments.benchmark.folder import lock_folder
from graphrec.report.primitives.tables import cell, clear_best, metric_label, number
from graphrec.runs.code_versions import warn_of_other_code
from graphrec.runs.compare import named, paired_tests
from graphrec.runs.recipe import Recipe
from graphrec.runs.run import Run
from graphrec.runs.train import train
from graphrec.system.files import sha256
from graphrec.system.integrity import read_own_json
from graphrec.system.memory import keep_large_blocks
from graphrec.system.owned_folder import write_own_json, write_own_text
from graphrec.system.processes import in_processes
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
        "Table 2), read, not run. Their models had textual features, too, which the split's files lack; `mf` is "
        "compared with their VBPR, which has features as it has.",
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
    options = {"benchmark": f"backbones {dataset}", recipe.name: sha256(recipe)[:12]}
    with lock_folder(out or Path("runs/backbones") / dataset, options) as folder:
        _compare(dataset, data, folder, names, trials, seeds, jobs)


def _compare(dataset: str, data: Path, out: Path, names: list[str], trials: int, seeds: int, jobs: int) -> None:
    """All cells, and their tables in `out`."""
    _refuse_to_lose(out, names, seeds)
    setting = SETTINGS[dataset]
    ready = prepared(setting.source, data, out, dataset, setting.options)
    tasks = [
        (name, decoder, _recipe(dataset, ready, name, decoder), out, trials, seeds)
        for decoder in DECODERS
        for name in names
    ]
    cells = {}
    for done, finished in enumerate(in_processes(_train_cell, tasks, jobs), start=1):
        cells[finished.backbone, finished.decoder] = finished
        print(
            f"{done} of {len(tasks)} cells: {finished.backbone} under {finished.decoder} {finished.failure}", flush=True
        )
    trained = [finished for finished in cells.values() if finished.folders]
    if not trained:
        raise RunError("every cell failed", got="; ".join(f"{cell.name}: {cell.failure}" for cell in cells.values()))
    warn_of_other_code([run for finished in trained for run in finished.runs])
    costs = _costs(trained, out / "costs")
    tables, tests, texts = [], [], []
    for decoder in DECODERS:
        of_decoder = [cells[name, decoder] for name in names]
        table, tested = _compared_cells(of_decoder, costs, setting)
        tables.append(table)
        tests.append(named(table["method"].tolist(), tested).assign(decoder=decoder))
        texts.append(f"**{decoder.upper()}**\n\n{_shown(of_decoder, table, tested, costs, setting)}")
    made = {"command": command(sys.argv), "trials": trials, "seeds": seeds, "jobs": jobs}
    about = {finished.name: finished.about() | {"cost": costs.get(finished.name)} for finished in cells.values()}
    for name, text in (
        ("results.csv", pd.concat(tables).to_csv(index=False)),
        ("results.md", "\n".join(texts)),
        ("significance.csv", pd.concat(tests).to_csv(index=False)),
        ("trials.csv", _trials(cells.values()).to_csv(index=False)),
        (ABOUT, json.dumps(made | {"cells": about}, indent=2) + "\n"),
    ):
        write_own_text(out / name, text)
    rows, users = [finished.row for finished in trained], trained[0].runs[0].user_ids
    write_values(values_of_users(setting.shown, rows, range(seeds), users), out)
    print("\n" + (out / "results.md").read_text(encoding="utf-8"))


def _refuse_to_lose(out: Path, names: list[str], seeds: int) -> None:
    about = out / ABOUT
    if about.is_file():
        existing = read_own_json(about)
        refuse_to_lose("backbones", {name.partition(" ")[0] for name in existing["cells"]}, names, out)
        refuse_to_lose("seeds", range(existing["seeds"]), range(seeds), out)


def _recipe(dataset: str, prepared: Path, backbone: str, decoder: str) -> Recipe:
    settings = [f"data.path={prepared}", f"backbone.name={backbone}", f"decoder.name={decoder}"]
    if backbone == "mmgcn":
        settings += SETTINGS[dataset].mmgcn
    if decoder == "hcr" and backbones.get(backbone).modality_support == "none":
        settings.append(ID_ITEMS)
    return Recipe.from_toml(RECIPES / f"backbones-{dataset}.toml", settings)


@dataclass(frozen=True)
class Cell:
    """A backbone under a decoder.

    Args:
        folders: of its runs with the best settings, one a seed.
        failure: why there are none.
        trials: what it was tuned with, as `Tuning.table` has it.
    """

    backbone: str
    decoder: str
    folders: tuple[Path, ...] = ()
    failure: str = ""
    trials: pd.DataFrame = field(default_factory=pd.DataFrame)

    @cached_property
    def runs(self) -> list[Run]:
        return [Run(folder) for folder in self.folders]

    @property
    def name(self) -> str:
        return f"{self.backbone} {self.decoder}"

    @cached_property
    def row(self) -> BenchmarkRow:
        """The test metrics under the decoder's own estimand, the first; called as the backbone."""
        estimand = label(next(iter(self.runs[0].variants().values())))
        tables = [run.results["test", estimand].per_user for run in self.runs]
        return BenchmarkRow(table_row(self.backbone, estimand, summarise(*tables)), {"test": tables})

    def about(self) -> dict[str, Any]:
        """What repeats it, without this machine's paths."""
        if not self.folders:
            return {"failed": self.failure}
        return {"recipe": recipe_values(self.runs[0].recipe), "runs": [run.about() for run in self.runs]}


def _train_cell(name: str, decoder: str, recipe: Recipe, out: Path, trials: int, seeds: int) -> Cell:
    """Tune, train the best settings with the other seeds, evaluate."""
    keep_large_blocks()  # each process its own
    runs = []
    try:
        tuned = tune(recipe, out / "tuning" / f"{name}-{decoder}", trials=trials, sampler="random")
        for seed in range(seeds):
            best = tuned.recipe.model_copy(update={"seed": seed})
            runs.append(train(best, out / "runs" / f"{name}-{decoder}-{seed}") if seed else tuned.run)
            evaluate_missing(runs[-1], runs[-1].variants().values(), "test")
    except MismatchError:  # results of another recipe or other data are not to be replaced
        raise
    except Exception as error:
        why = report_failure(f"{name} under {decoder}", error)
        return Cell(name, decoder, failure=f"failed: {why.partition(';')[0]}")
    return Cell(name, decoder, tuple(run.folder for run in runs), trials=tuned.table())


Cost = dict[str, Any]


def _costs(cells: Iterable[Cell], folder: Path) -> dict[str, Cost]:
    """Seconds an epoch and the process's peak memory of each cell, by its name.

    Kept in `folder`, and measured again where tuning with more trials has chosen other settings since.
    """
    costs, missing = {}, []
    for trained in cells:
        file = folder / f"{trained.backbone}-{trained.decoder}.json"
        recipe = trained.runs[0].recipe
        settings = hashlib.sha256(recipe.with_data_at("").to_toml().encode()).hexdigest()[:12]
        if file.is_file() and read_own_json(file).get("recipe") == settings:
            costs[trained.name] = read_own_json(file)
        else:
            missing.append((trained.name, recipe, file, settings))
    return costs | dict(in_processes(_measured, missing, 1))


def _measured(name: str, recipe: Recipe, file: Path, settings: str) -> tuple[str, Cost]:
    """The cost of a short training: of two rounds of epochs that end in a validation each, the second is timed."""
    keep_large_blocks()
    a_round = recipe.training.validate_every
    training = recipe.training.model_copy(update={"epochs": 2 * a_round})
    with TemporaryDirectory() as scratch:
        short = train(recipe.model_copy(update={"training": training}), Path(scratch) / "run")
        made, passed = short.manifest, [epoch["seconds"] for epoch in short.history]
    seconds = (passed[-1] - passed[a_round - 1]) / a_round
    cost = {"seconds_an_epoch": seconds, "megabytes": made["peak_memory_mb"], "threads": made["threads"]}
    cost["recipe"] = settings
    write_own_json(file, cost)
    return name, cost


def _compared_cells(
    cells: list[Cell], costs: Mapping[str, Cost], setting: Setting
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All metrics of a decoder's backbones with their cost, and the tests of every pair on the metrics shown."""
    done = [cell for cell in cells if cell.folders]
    table = pd.DataFrame([cell.row.cells for cell in done]).assign(decoder=[cell.decoder for cell in done])
    table = table.assign(**{key: [costs[cell.name][key] for cell in done] for key in ("seconds_an_epoch", "megabytes")})
    return table, paired_tests(
        {
            number: [users[["user", *setting.shown]] for users in cell.row.per_user["test"]]
            for number, cell in enumerate(done)
        }
    )


def _shown(
    cells: list[Cell], table: pd.DataFrame, tests: pd.DataFrame, costs: Mapping[str, Cost], setting: Setting
) -> str:
    """A Markdown table of the two metrics that are shown, and of time and memory.

    The best is bold if it differs from every other significantly, over users and seeds; see `graphrec.runs.compare`.
    Published figures are next to CT's, whose loss, BPR on the likes, is the nearest to what those were trained with.
    """
    shown = setting.shown
    best = {metric: clear_best(table, metric, tests) for metric in shown}
    published = setting.published if cells[0].decoder == "ct" else {}
    titles = [*map(metric_label, shown), "s/epoch", "MB"]
    titles[2:2] = [f"{metric_label(shown[0])}, published"] if published else []
    lines = ["| backbone | " + " | ".join(titles) + " |", "|---" * (1 + len(titles)) + "|"]
    row_of = {name: row for row, name in table["method"].items()}
    for trained in cells:
        row = row_of.get(trained.backbone)
        if row is None:
            lines.append(_line(f"`{trained.backbone}`", [trained.failure], titles))
            continue
        values = [cell(table.loc[row], metric, bold=best[metric] == row) for metric in shown]
        values += [number(published[trained.backbone]) if trained.backbone in published else "–"] if published else []
        cost = costs[trained.name]
        values += [f"{cost['seconds_an_epoch']:.1f}", f"{cost['megabytes']:,}"]
        lines.append(_line(f"`{trained.backbone}`", values, titles))
    others = {name: figure for name, figure in published.items() if name not in backbones}
    lines += [_line(f"{name} (not here)", ["", "", number(figure)], titles) for name, figure in others.items()]
    return "\n".join([*lines, *(["", setting.published_note] if published else [])]) + "\n"


def _trials(cells: Iterable[Cell]) -> pd.DataFrame:
    """A row a training of the tuning, with its cell in front."""
    tables = []
    for tuned in cells:
        tables.append(tuned.trials.copy())
        tables[-1].insert(0, "backbone", tuned.backbone)
        tables[-1].insert(1, "decoder", tuned.decoder)
    return pd.concat(tables, ignore_index=True)


def _line(name: str, values: list[str], titles: list[str]) -> str:
    return "| " + " | ".join([name, *values, *[""] * (len(titles) - len(values))]) + " |"


if __name__ == "__main__":
    run(main)
