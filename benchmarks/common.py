"""What the benchmark scripts share: their options, the data, one paper's experiments, the closing lines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

import graphrec as gr
from graphrec.checks.dataset import statistics
from graphrec.cli.errors import handle_user_errors
from graphrec.cli.log import show_logs
from graphrec.cli.progress import training_progress
from graphrec.cli.terminal import print_table
from graphrec.data.prepare import prepare_once
from graphrec.errors import DataError, RunError, nearest_name
from graphrec.experiments.benchmark import BenchmarkResult, titled
from graphrec.experiments.benchmark.folder import lock_folder
from graphrec.experiments.papers import HCR, Mode, Paper, reproduce
from graphrec.report.primitives.tables import metric_rows
from graphrec.runs.recipe import Recipe
from graphrec.simulation.truth import ORACLES
from graphrec.system.files import sha256
from graphrec.system.memory import keep_large_blocks
from graphrec.system.signals import STATUSES, stops_in_order

RECIPES = Path(__file__).parent / "recipes"
STUDIES = {
    "like": Path(__file__).parent / "results" / "dose-hidden" / "results.csv",
    "satisfaction": Path(__file__).parent / "results" / "dose-visual" / "results.csv",
}
"""By the target of a twin's truth, the dose-response study of the twin's bias; it comes with the project."""
HEADLINE = ("mrr", "recall@20", "recall@50", "ndcg@50", "ndcg_do@50", "regret_do@50")
TWIN = "twin"
QUICK = Mode("quick", every=False, seeds=1, trials=0, settings=("training.epochs=25",))
FULL = Mode("full", every=True, seeds=3, trials=10)

Data = Annotated[str, typer.Option(help="`twin`, simulated with known truth, or where the real files are.")]
Out = Annotated[Path, typer.Option(help="Where everything goes. The same folder again resumes.")]
Full = Annotated[
    bool,
    typer.Option(
        "--full/--quick",
        help="Every method of the paper, tuned with as many trainings as every other, three seeds; or the core methods "
        "as the recipe has them, one seed, few epochs.",
    ),
]
Seeds = Annotated[int | None, typer.Option(help="Train each method for so many seeds instead.", min=1)]
Trials = Annotated[
    int | None,
    typer.Option(help="Tune each method with so many trainings instead of 10 in full, 0 in quick; 0: not.", min=0),
]


def mode_of(full: bool, seeds: int | None, trials: int | None) -> Mode:
    """The full or the quick mode, with other numbers where they are given."""
    numbers = {name: number for name, number in (("seeds", seeds), ("trials", trials)) if number is not None}
    return replace(FULL if full else QUICK, **numbers)


@contextmanager
def benchmark_folder(out: Path, data: str, mode: Mode, *recipes: str, **options: str) -> Iterator[Path]:
    """The folder `out`, locked for a benchmark with these options and recipes.

    Raises:
        DataError: `data` is `twin` misspelt.
        RunError: as `lock_folder`.
    """
    if not Path(data).exists() and data != TWIN and nearest_name(data.lower(), [TWIN]):
        raise DataError(
            f"no such raw data; did you mean `{TWIN}`?",
            expected=f"`{TWIN}`, or an existing folder or file",
            got=f"`{data}`",
            where="--data",
        )
    asked = {**options, "data": "twin" if data == TWIN else "real", "mode": mode.name, "trials": str(mode.trials)}
    asked |= {f"{name}.toml": sha256(RECIPES / f"{name}.toml")[:12] for name in recipes}
    with lock_folder(out, asked) as folder:
        yield folder


def raw_files(world: str, data: str, out: Path) -> Path:
    """Where the raw files are: the twin's are simulated first."""
    if data != TWIN:
        return Path(data)
    raw = out / "raw"
    if not (raw / "truth").is_dir():
        gr.simulate(world, raw)
    return raw


def prepared(source: str, raw: Path, out: Path, title: str, options: Mapping[str, str] | None = None) -> Path:
    """The data ready to train on; prints what it is."""
    folder = prepare_once(source, raw, out / "prepared", options)
    dataset = gr.load(folder)
    facts = statistics(dataset)
    print(f"data: {titled(title, dataset)}, {raw}")
    print("      " + ", ".join(f"{facts[what]:,} {what}" for what in ("users", "items", "clicks", "likes")))
    return folder


def reproduce_hcr(
    source: str, recipes: tuple[str, str], data: str, out: Path, full: bool, seeds: int | None, trials: int | None
) -> None:
    """HCR's experiments on data that comes in two layouts: with clicks and likes, or with one behaviour and a split.

    Args:
        source: of the data, and the world of its twin.
        recipes: for clicks and likes, and for one behaviour.
    """
    twin, mode = data == TWIN, mode_of(full, seeds, trials)
    title = f"{source.capitalize()} twin" if twin else source.capitalize()
    with benchmark_folder(out, data, mode, *recipes, benchmark=source):
        raw = raw_files(source, data, out)
        ready = prepared(source, raw, out, title)
        recipe = recipes[gr.load(ready).single_behaviour]
        reproduce_paper(HCR, recipe, ready, out, mode, title=title, truth=raw if twin else None)


def reproduce_paper(
    paper: Paper, recipe: str, data: Path, out: Path, mode: Mode, *, title: str, truth: Path | None,
    target: str = "like", settings: tuple[str, ...] = (),
) -> None:  # fmt: skip
    """A paper's experiments under `recipes/RECIPE.toml`, its tables and figures, and the closing lines.

    Raises:
        RunError: every method failed; the tables then say why, and hold no more than popularity.
    """
    base = Recipe.from_toml(RECIPES / f"{recipe}.toml", [f"data.path={data}", *settings, *mode.settings])
    study = STUDIES[target] if truth else None
    reproduction = reproduce(
        paper,
        base,
        out,
        mode,
        title=title,
        truth=truth,
        target=target,
        dose_response=study,
        command=command(sys.argv),
        progress=training_progress,
    )
    finish(reproduction.result, out, paper.name)
    print(f"{len(reproduction.paper_tables)} tables and figures of {paper.name}'s paper in {out / 'paper_tables'}")
    if not reproduction.result.runs:
        raise RunError(
            "every method failed",
            expected="at least one that is trained and evaluated",
            got="; ".join(f"{name}: {why}" for name, why in reproduction.result.failed.items()),
            where=out,
            next_step="fix the causes; the same command then tries again what failed",
        )


def command(argv: Sequence[str]) -> str:
    """The command line, without the paths of this machine.

    >>> command(["/home/me/benchmarks/kwai.py", "--full", "--out", "/tmp/kwai", "--data=/data/kwai"])
    'python benchmarks/kwai.py --full --data DIR'
    """
    script, *options = argv
    words, rest = [f"python benchmarks/{Path(script).name}"], iter(options)
    for option in rest:
        name, equals, value = option.partition("=")
        if name in ("--data", "--out") and not equals:
            value = next(rest, "")
        if name == "--data":
            words += [] if value == TWIN else ["--data DIR"]
        elif name != "--out":
            words.append(option)
    return " ".join(words)


def finish(result: BenchmarkResult, out: Path, method: str = "") -> None:
    """Export the embeddings of a method, or else of the last; print the results and where the files are."""
    print()
    print_table(*metric_rows(_headline(result.table)))
    print()
    if result.gap is not None:
        gap, (observed, causal) = result.gap, ORACLES[result.target]
        print(
            f"oracles, NDCG@50 on likes drawn from the true {causal}: ranking by it {gap.interventional_ndcg:.4f}, "
            f"by the true {observed} {gap.observational_ndcg:.4f}: going by what the log shows costs {gap.loss:.1%}"
        )
    for failed, reason in result.failed.items():
        print(f"{failed} FAILED: {reason}")
    made = [f"table {out / 'results.md'}"]
    if result.runs:
        result.trained.get(method, result.runs[-1:])[0].export(out / "embeddings")
        made += [f"report {out / 'report.html'}", f"embeddings {out / 'embeddings'}"]
    print(", ".join(made))


def _headline(table: pd.DataFrame) -> pd.DataFrame:
    """The columns that fit a terminal; the file has them all."""
    shown = [name for name in HEADLINE if name in table.columns]
    ends = [f"{name}_{end}" for name in shown for end in ("low", "high")]
    return table[["method", *shown, *ends]]


def run(main: Callable[..., None]) -> None:
    """Run a script's main; it ends as the command line does, and when interrupted says that nothing is lost."""
    keep_large_blocks()
    try:
        with stops_in_order(), show_logs(), handle_user_errors():
            typer.run(main)
    except SystemExit as end:
        if end.code in STATUSES:
            print("\ninterrupted; the same command resumes", file=sys.stderr)
        raise
