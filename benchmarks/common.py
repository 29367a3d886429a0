"""What the benchmark scripts share: the methods, the recipes' folder, the closing lines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

import graphrec as gr
from graphrec.allocator import keep_large_blocks
from graphrec.benchmark import BenchmarkResult, run_benchmark
from graphrec.data.checks import statistics
from graphrec.errors import GraphrecError
from graphrec.preparation import prepare_once
from graphrec.recipe import Recipe
from graphrec.report.tables import metric_rows
from graphrec.report.terminal import print_table
from graphrec.simulation.truth import ORACLES

RECIPES = Path(__file__).parent / "recipes"
HEADLINE = ("recall@20", "recall@50", "ndcg@50", "ndcg_do@50", "regret_do@50")
Seeds = Annotated[int, typer.Option(help="Train each method once for each of this many seeds.", min=1)]

DECODERS: dict[str, dict[str, Any]] = {
    "ct": {"name": "ct"},
    "esmm": {"name": "esmm"},
    "causalrec": {"name": "causalrec"},
    "hcr": {"name": "hcr"},
}


def recipes_for(name: str, prepared: Path, decoders: Mapping[str, dict[str, Any]]) -> dict[str, Recipe]:
    """The recipe `recipes/NAME.toml` on the prepared data, once for each decoder."""
    found = {}
    for method, decoder in decoders.items():
        settings = [f"decoder.{key}={value}" for key, value in decoder.items()]
        found[method] = Recipe.from_toml(RECIPES / f"{name}.toml", [f"data.path={prepared}", *settings])
    return found


def twin_or_real(source: str, data: str, out: Path, seeds: int, *, recipe: str, given_recipe: str) -> None:
    """The whole way on a set of short videos: its twin, simulated first, or its real files.

    Args:
        source: name of the source and of the world alike.
        data: `twin`, or the folder of the real files.
        recipe, given_recipe: in `recipes/`; the latter for files that come with one behaviour and their own split.
    """
    twin, title = data == "twin", source.capitalize()
    raw = out / "raw" if twin else Path(data)
    if twin and not (raw / "truth").is_dir():
        gr.simulate(source, raw)
    prepared = prepare_once(source, raw, out / "prepared")
    say_data(prepared, f"SIMULATED: a twin of {title} with known truth" if twin else f"real: {title} files in {raw}")
    given_split = not twin and gr.load(prepared).single_behaviour
    result = run_benchmark(
        recipes_for(given_recipe if given_split else recipe, prepared, DECODERS),
        out,
        seeds=range(seeds),
        truth=raw if twin else None,
        title=f"{title} twin (simulated)" if twin else title,
    )
    finish(result, out)


def say_data(prepared: Path, origin: str) -> None:
    """Print which data the benchmark runs on."""
    facts = statistics(gr.load(prepared))
    print(f"data: {origin}\n      {facts['users']:,} users, {facts['items']:,} items, {facts['clicks']:,} clicks, "
          f"{facts['likes']:,} likes")  # fmt: skip


def finish(result: BenchmarkResult, out: Path) -> None:
    """Export the last method's embeddings and say what was found and where it lies."""
    best = result.runs[-1]
    best.export(out / "embeddings")
    print()
    print_table(*metric_rows(_headline(result.table)))
    print()
    if result.gap is not None:
        gap, (observed, causal) = result.gap, ORACLES[result.target]
        print(
            f"oracles, NDCG@50 on likes drawn from the true {causal}: ranking by it {gap.interventional_ndcg:.4f}, "
            f"by the true {observed} {gap.observational_ndcg:.4f}: going by what the log shows costs {gap.loss:.1%}"
        )
    for method, reason in result.failed.items():
        print(f"{method} FAILED: {reason}")
    print(f"table {out / 'results.md'}, report {out / 'report.html'}, embeddings {out / 'embeddings'}")


def _headline(table: pd.DataFrame) -> pd.DataFrame:
    """The columns that fit a terminal; the file has them all."""
    shown = [name for name in HEADLINE if name in table.columns]
    ends = [f"{name}_{end}" for name in shown for end in ("low", "high")]
    return table[["method", *shown, *ends]]


def run(main: Callable[..., None]) -> None:
    """Run a script's main; a mistake of the user's ends with a message and status 2."""
    keep_large_blocks()
    try:
        typer.run(main)
    except GraphrecError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
