"""A run's recipe, ready to be trained on altered data and measured on the validation likes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from graphrec.backbones import Representation
from graphrec.causal import Estimand, Observational
from graphrec.data.split import Split
from graphrec.errors import Argument, RecipeError, SplitError
from graphrec.evaluation.ranking import PairIndex, blocks, evaluate, rank_all
from graphrec.evaluation.scorer import Scorer
from graphrec.recommender import FrozenModel
from graphrec.runs.recipe import Recipe
from graphrec.runs.run import Run
from graphrec.runs.train import fit
from graphrec.seeding import derive_seed
from graphrec.training.progress import Progress, silent

# The placebo treatment measures one half of the users, and an interval takes two.
FEWEST_USERS = 4


@dataclass(frozen=True)
class RefutationExperiment:
    """What every check is given: the run, its data, and the means to retrain and measure.

    >>> experiment = RefutationExperiment.from_run(run, seeds=2, epochs=1)
    >>> name, estimand = experiment.first_variant
    >>> scorer = experiment.unaltered_model.scorer(estimand)
    >>> seen = experiment.split.train_pairs("click")
    >>> len(experiment.ndcg(scorer, experiment.split.valid, seen)) == len(experiment.users)
    True

    Args:
        run: the run to refute.
        recipe: its recipe, perhaps with another number of epochs.
        split: the data it was trained on; its test likes stay locked.
        seeds: number of retrainings where a check asks for several.
        progress: see `graphrec.training.progress.Progress`.
    """

    run: Run
    recipe: Recipe
    split: Split
    seeds: int
    progress: Progress = silent

    @classmethod
    def from_run(cls, run: Run, *, seeds: int, epochs: int | None, progress: Progress = silent) -> RefutationExperiment:
        """The experiment on a run, with its split made again.

        Raises:
            RecipeError: a setting is out of range.
            RunError, DataError: the data has changed, or is gone.
            SplitError: too few users have validation likes for an interval over users.
        """
        for name, value, least in (("seeds", seeds, 2), ("epochs", epochs, 1)):
            if value is not None and value < least:
                raise RecipeError(
                    f"too few {name} for a refutation", expected=f"at least {least}", got=value, where=Argument(name)
                )
        recipe = run.recipe
        if epochs is not None:
            recipe = recipe.model_copy(update={"training": recipe.training.model_copy(update={"epochs": epochs})})
        split = run.split()
        users = len(np.unique(split.valid[:, 0]))
        if users < FEWEST_USERS:
            raise SplitError(
                "too few users to measure on",
                expected=f"at least {FEWEST_USERS} users with validation likes",
                got=users,
                where=run.folder,
                next_step="use a split with more validation likes",
            )
        return cls(run, recipe, split, seeds, progress)

    @property
    def k(self) -> int:
        """K, the list length: the recipe's shortest."""
        return min(self.recipe.evaluation.k)

    @cached_property
    def first_variant(self) -> tuple[str, Estimand]:
        """Name and estimand of the run's first variant."""
        return next(iter(self.run.variants().items()))

    @property
    def has_causal_step(self) -> bool:
        """Whether the run's first variant ranks by anything but the observational score."""
        return not isinstance(self.first_variant[1], Observational)

    @cached_property
    def users(self) -> np.ndarray:
        """The users with validation likes, on whom everything is measured."""
        return np.unique(self.split.valid[:, 0])

    @cached_property
    def unaltered_model(self) -> FrozenModel:
        """The model trained on the unaltered data: the run's, unless the number of epochs is another."""
        if self.recipe == self.run.recipe:
            return self.run.model
        return self.retrain("data as it is", self.split)

    def random(self, *names: object) -> np.random.Generator:
        """The random generator called `names`, under the recipe's seed."""
        return np.random.default_rng(derive_seed(self.recipe.seed, "refutation", *names))

    def retrain(self, what: str, split: Split, *, seed: int | None = None) -> FrozenModel:
        """The recipe trained on `split`.

        Args:
            what: the name of the training in the progress.
            split: altered data.
            seed: in place of the recipe's.
        """
        recipe = self.recipe if seed is None else self.recipe.model_copy(update={"seed": seed})
        return fit(recipe, split, callbacks=[self.progress(what)])

    def ndcg(self, scorer: Scorer, positives: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """NDCG@K of each user with positives, in the order of users.

        Args:
            scorer: scores of all items.
            positives: `[n, 2]` pairs that should rank high.
            seen: `[E, 2]` pairs that are left out of the lists.
        """
        table = evaluate(scorer, positives, seen, (self.k,))
        return table[f"ndcg@{self.k}"].to_numpy()

    def lists(self, scorer: Scorer, seen: np.ndarray) -> sparse.csr_array:
        """`[n, I]` with a one for each of the best K items of each of `users`; `seen` pairs are left out."""
        index = PairIndex(seen, self.split.dataset.num_users)
        tables = []
        for block, scores, best in rank_all(scorer, self.users, self.k, index):
            # Where a user has fewer than K candidates, excluded items fill the row.
            listed = scores.gather(1, best).isfinite().numpy()
            rows = np.repeat(np.arange(len(block)), listed.sum(1))
            columns = best.numpy()[listed]
            tables.append(sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=scores.shape))
        return sparse.csr_array(sparse.vstack(tables))

    def spread_through(self, model: FrozenModel, modality: str) -> np.ndarray | None:
        """For each of `users` the share of the ranking's spread that comes through one modality's representation.

        The representation is held at the mean item for all items, and the decoder runs again; 1 - r^2 is the share,
        with r the rank correlation of the user's scores with and without it. None where the decoder reads no
        representation of the modality alone.
        """
        if not any(modality in outputs for outputs in model.representations.values()):
            return None
        at_mean = {
            tower: {name: _at_mean(table) if name == modality else table for name, table in outputs.items()}
            for tower, outputs in model.representations.items()
        }
        with torch.no_grad():
            without = FrozenModel(at_mean, model.decoder.branches(at_mean), model.decoder)
        estimand = self.first_variant[1]
        scorers = model.scorer(estimand), without.scorer(estimand)
        shares = []
        # The scores of both models and the ranks of both are in memory at once.
        for block in blocks(self.users, 4 * scorers[0].bytes_per_user):
            full, rest = (_ranks(scorer(torch.from_numpy(block)).cpu()) for scorer in scorers)
            shares.append(1 - (full * rest).mean(1) ** 2)
        return torch.cat(shares).numpy()


def _at_mean(tables: Representation) -> Representation:
    return Representation(tables.user, tables.item.mean(0, keepdim=True).expand_as(tables.item))


def _ranks(scores: Tensor) -> Tensor:
    """Each row's ranks, centred and scaled to unit variance."""
    ranks = scores.argsort(dim=1, stable=True).argsort(dim=1).double()
    return (ranks - ranks.mean(1, keepdim=True)) / ranks.std(1, correction=0, keepdim=True)
