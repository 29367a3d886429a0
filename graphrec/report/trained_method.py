"""A method on the page: what it is called there, and its runs, one a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from graphrec.causal import label
from graphrec.runs.compare import require_as_many_seeds
from graphrec.runs.run import Run


@dataclass(frozen=True)
class TrainedMethod:
    """A method and its trainings.

    Args:
        name: unique on the page.
        runs: one a seed.
        compared: by the label of an estimand, what its row is called; by default all that it was evaluated under, by
            their own names.

    >>> method = TrainedMethod("HCR", (run,))
    >>> method.first.recipe.seed, method.names == {run.folder: "HCR"}, method.has("off_policy")
    (0, True, False)
    """

    name: str
    runs: tuple[Run, ...]
    compared: Mapping[str, str] | None = None

    @property
    def first(self) -> Run:
        """The run that stands for the method where one training is shown."""
        return self.runs[0]

    @property
    def names(self) -> dict[Path, str]:
        """What to call each run, by folder: the method's name, of several seeds with the seed."""
        several = len(self.runs) > 1
        return {run.folder: f"{self.name} (seed {run.recipe.seed})" if several else self.name for run in self.runs}

    def has(self, result_set: str) -> bool:
        """Whether every run was evaluated on a split or another result set."""
        return all(run.results.by_estimand(result_set) for run in self.runs)


def methods_of(
    runs: Sequence[Run] | Sequence[Sequence[Run]], compared: Mapping[str, Mapping[str, str]] | None = None
) -> list[TrainedMethod]:
    """The methods of a page.

    Args:
        runs: each a method, or for each method the runs of its seeds.
        compared: by the runs' name, as in `TrainedMethod`. By default all; of an ablation its own estimand alone. An
            ablation is a run that is not called as its decoder's method and is on the page with one that is.

    Raises:
        RunError: methods have different numbers of seeds.

    >>> (method,) = methods_of([run])
    >>> method.name, len(method.runs), method.compared
    ('hcr', 1, None)
    """
    groups = [(method,) if isinstance(method, Run) else tuple(method) for method in runs]
    require_as_many_seeds(groups)
    firsts = [same[0] for same in groups]
    called = [run.name for run in firsts]
    shown = _ablations(firsts) if compared is None else compared
    return [
        TrainedMethod(
            run.name if called.count(run.name) == 1 else f"{run.name} ({run.folder})", same, shown.get(run.name)
        )
        for run, same in zip(firsts, groups)
    ]


def run_names(methods: Sequence[TrainedMethod]) -> Mapping[Path, str]:
    """What to call each run of the page, by folder.

    >>> list(run_names(methods_of([run])).values())
    ['hcr']
    """
    return {folder: name for method in methods for folder, name in method.names.items()}


def _ablations(runs: Sequence[Run]) -> dict[str, dict[str, str]]:
    """What is compared of the runs that are on the page with the method they alter, by their names."""
    whole = {run.recipe.decoder["name"] for run in runs if not run.names.is_ablation}
    return {
        run.name: {label(estimand): name for name, estimand in run.names.in_tables().items()}
        for run in runs
        if run.names.is_ablation and run.recipe.decoder["name"] in whole
    }
