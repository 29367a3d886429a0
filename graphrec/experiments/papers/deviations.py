"""How the experiments depart from their paper's; a model's own departures are in its module."""

from __future__ import annotations

from graphrec.experiments.benchmark import BenchmarkResult
from graphrec.runs.recipe import Recipe

HCR_BATCH, CAUSALREC_BATCH = 1024, 100
"""Of the papers, in positive pairs."""


def of_hcr(result: BenchmarkResult) -> list[str]:
    """Against TKDE 2024, section 4.1.

    Example:
        >>> from graphrec.experiments.benchmark import BenchmarkResult
        >>> from graphrec.experiments.papers.deviations import of_hcr
        >>> of_hcr(BenchmarkResult.of_runs({"HCR": [run]}))[0]
        'At most 2 epochs; the paper names no limit.'
    """
    recipe = result.runs[0].recipe
    deviations = [
        *_batch(recipe, HCR_BATCH),
        f"At most {recipe.training.epochs} epochs; the paper names no limit.",
        _tuning(result, "its whole grid, on Taobao with a learning rate of 1e-5 besides, which is in none of ours"),
    ]
    if recipe.split.name != "chronological":
        why = ": the data comes with its splits" if recipe.split.name == "given" else ""
        deviations.append(f"Split `{recipe.split.name}`{why}. The paper splits by time.")
    return deviations


def of_causalrec(result: BenchmarkResult) -> list[str]:
    """Against ACM MM 2021, section 5.1.

    Example:
        >>> from graphrec.experiments.benchmark import BenchmarkResult
        >>> from graphrec.experiments.papers.deviations import of_causalrec
        >>> of_causalrec(BenchmarkResult.of_runs({"HCR": [run]}))[1]
        'Early stopping by validation NDCG@10, at most 2 epochs; the paper mentions neither.'
    """
    recipe = result.runs[0].recipe
    split = recipe.split
    return [
        *_batch(recipe, CAUSALREC_BATCH),
        f"Early stopping by validation {recipe.training.monitor.upper()}, at most {recipe.training.epochs} epochs; the "
        "paper mentions neither.",
        _tuning(result, "its whole grid"),
        f"Split `{split.name}`, {split.train:.0%} of each user's pairs to train on; the paper does not state its own.",
        *no_pictures(result),
    ]


def no_pictures(result: BenchmarkResult) -> list[str]:
    """Of a set without pictures, what replaces the visual features.

    Example:
        >>> from graphrec.experiments.benchmark import BenchmarkResult
        >>> from graphrec.experiments.papers.deviations import no_pictures
        >>> no_pictures(BenchmarkResult.of_runs({"HCR": [run]}))
        ['The files have no pictures. What the paper does with visual features is done here with: textual.']
    """
    shown = [name for name, role in result.data.roles.items() if role == "exposure"]
    if "visual" in shown or not shown:
        return []
    replaced_by = ", ".join(shown)
    return [f"The files have no pictures. What the paper does with visual features is done here with: {replaced_by}."]


def _batch(recipe: Recipe, published: int) -> list[str]:
    ours = recipe.training.batch_size
    return [f"Batches of {ours:,} positive pairs; the paper: {published:,}."] if ours != published else []


def _tuning(result: BenchmarkResult, published: str) -> str:
    trained = (
        "are as the recipe has them" if not result.trials else f"are the best of {result.trials} trainings at most"
    )
    return f"The settings of each method {trained}; the paper searches {published}."
