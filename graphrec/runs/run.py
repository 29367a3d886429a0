"""A trained run: evaluate it, ask it for recommendations, export it. `graphrec.runs.files` describes its files."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from graphrec.arguments import choice_argument, items_argument, number_argument, path_argument, require_type
from graphrec.causal import CausalGraph, Estimand, parse_estimand
from graphrec.data.dataset import index_of
from graphrec.data.split import Split
from graphrec.data.store import fingerprint, read_manifest
from graphrec.decoders import Context, Decoder, decoders
from graphrec.errors import TRAIN_OR_RESTORE, Argument, MismatchError, RecipeError, RunError, damaged
from graphrec.evaluation.list_length import candidates, warn_of_long_lists
from graphrec.evaluation.ranking import PairIndex, evaluate, rank_all
from graphrec.evaluation.result_sets import HELD_OUT, TRUTH_SETS
from graphrec.evaluation.truth import TRUTH_K, evaluate_by_truth
from graphrec.explanation import Explanation, explain
from graphrec.export.embeddings import export_model
from graphrec.recommender import FrozenModel
from graphrec.runs.artifacts import Tables, load_ids, load_model, load_tables
from graphrec.runs.build import prepare_split
from graphrec.runs.data_location import portable_manifest, relocate_data
from graphrec.runs.files import HISTORY, LEDGER, RECIPE, REFUTATION
from graphrec.runs.manifest import complete_manifest, custom_code
from graphrec.runs.naming import MethodNames
from graphrec.runs.recipe import Recipe
from graphrec.runs.results import RunResults
from graphrec.simulation.truth import truth_of
from graphrec.system.integrity import read_own_json, require_intact
from graphrec.system.user_code import anchored, permit
from graphrec.system.user_code import trust as trust_folder

logger = logging.getLogger(__name__)

ESTIMANDS = "names of estimands, such as ['observational'], or Estimands"
USER_IDS = "ids of users, such as ['0', '1']"


class Run:
    """A complete run folder: evaluate it, ask it for recommendations, export it.

    >>> run = gr.Run(run.folder)
    >>> run.evaluate(split="valid")["method"].tolist()
    ['HCR', 'HCR-T', 'HCR-S1', 'HCR-S2']
    >>> run.recommend(run.user_ids[:2], k=3)[["user", "rank"]].values.tolist()
    [['0', 1], ['0', 2], ['0', 3], ['1', 1], ['1', 2], ['1', 3]]

    Args:
        folder: a folder that `graphrec.train` wrote.
        trust: load code that the run names by import path. A run of somebody else's is data unless this is True.

    Raises:
        ComponentError: the run names code that graphrec does not have; says what would be loaded from where.
        RunError: not a run folder, or its training has not finished.
    """

    def __init__(self, folder: str | Path, *, trust: bool = False) -> None:
        self.folder = path_argument("folder", folder)
        require_type("trust", trust, bool, "True or False")
        if trust:
            trust_folder(self.folder)
        self.manifest = complete_manifest(self.folder)
        require_intact(self.folder / RECIPE, TRAIN_OR_RESTORE)
        self.recipe = relocate_data(Recipe.from_toml(self.folder / RECIPE), self.folder, self.manifest)
        trained_with = self.manifest.get("custom_code", {})
        for module, digest in custom_code(self.recipe).items():
            if digest != trained_with.get(module):
                logger.warning("%s: the file of `%s` changed since the run was trained", self.folder, module)

    def about(self) -> dict[str, Any]:
        """The manifest without paths of this machine."""
        return portable_manifest(self.manifest)

    @property
    def name(self) -> str:
        return self.recipe.name

    @cached_property
    def user_ids(self) -> np.ndarray:
        """`[U]` external ids; row number = user number."""
        return load_ids(self.folder, "users")

    @cached_property
    def item_ids(self) -> np.ndarray:
        """`[I]` external ids; row number = item number."""
        return load_ids(self.folder, "items")

    @cached_property
    def _tables(self) -> Tables:
        return load_tables(self.folder, self.manifest["schema"])

    @property
    def train_interactions(self) -> np.ndarray:
        """`[E, 2]` training pairs, which are not recommended again."""
        return self._tables.train_pairs

    @cached_property
    def model(self) -> FrozenModel:
        """The trained tables, ready to score.

        Raises:
            RunError: a file of the run is missing or damaged.
        """
        return load_model(self.folder, self.untrained_decoder(), self._tables, len(self.item_ids))

    def release(self) -> None:
        """Free the memory of the tables and the model. They are read again at their next use."""
        # A cached property keeps its value in the instance's `__dict__` under its own name.
        for name in ("_tables", "model"):
            self.__dict__.pop(name, None)

    def untrained_decoder(self) -> Decoder:
        """The decoder without its weights, which its causal claims do not need."""
        # JSON has lists where the context has tuples.
        context: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in self.manifest["context"].items()
        }
        return decoders.get(self.recipe.decoder["name"])(self.recipe.decoder_config(), Context(**context))

    @property
    def history(self) -> list[dict[str, Any]]:
        """A dict an epoch: `epoch`, `loss`, and validation metrics where validated."""
        path = self.folder / HISTORY
        require_intact(path, TRAIN_OR_RESTORE)
        try:
            return [dict(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
        except (OSError, ValueError, TypeError) as error:
            raise damaged(path, str(error)) from None

    def variants(self) -> dict[str, Estimand]:
        """What is reported by default: the recipe's estimands, or else the decoder's variants, by name.

        An estimand that differs from a variant in numbers alone, such as the strength that tuning chose, keeps the
        variant's name, unless the recipe names several that do.
        """
        return self.names.reported()

    @cached_property
    def names(self) -> MethodNames:
        """What tables call the run and its estimands."""
        return MethodNames(self.name, tuple(self.recipe.estimands()), self.untrained_decoder().variants())

    @property
    def results(self) -> RunResults:
        """What evaluations gave so far, by result set and estimand: `run.results["test", "front_door"]`."""
        return RunResults(self.folder, self.manifest)

    def evaluate(
        self,
        estimands: str | Estimand | Sequence[str | Estimand] = (),
        *,
        split: str = "test",
        reason: str = "evaluate",
        causal_graph: CausalGraph | None = None,
    ) -> pd.DataFrame:
        """All-items ranking metrics on the held-out likes, under each estimand, without retraining.

        >>> table = run.evaluate(["effect_on_mediator"], split="valid")
        >>> list(table.columns[:6])
        ['method', 'estimand', 'users', 'recall@10', 'recall@10_low', 'recall@10_high']

        Args:
            estimands: names as on the command line (`total_indirect_effect:strength=0,0.5,1` is a sweep), or
                estimands, or a single name or estimand; by default `variants()`.
            split: `test` or `valid`. Each opening of the test split is written to the run's ledger.
            reason: for the ledger.
            causal_graph: on which the estimands must be identified, in place of the decoder's.

        Returns:
            One row an estimand: `method`, `estimand`, `users`, and for each metric its mean and the ends of
            its 95 % interval (`ndcg@50`, `ndcg@50_low`, `ndcg@50_high`). `results` then has the values of each user.

        Raises:
            RunError: the data is not what the run was trained on.
            RecipeError: the decoder lacks a branch that an estimand needs.
            IdentificationError: an estimand is not identified on the causal graph.
        """
        require_type("reason", reason, str, "a text for the ledger")
        _require_graph(causal_graph)
        choice_argument("split", split, HELD_OUT, Argument("split"))
        chosen = self.choose(estimands)
        # Scorers come first: an estimand that is not identified is refused while the test split is closed.
        scorers = {name: self.model.scorer(estimand, causal_graph) for name, estimand in chosen.items()}
        data, excluded = self.split(), self.train_interactions
        positives = data.valid if split == "valid" else data.open_test(reason, self.folder / LEDGER)
        evaluation, rows = self.recipe.evaluation, []
        warn_of_long_lists(evaluation.k, candidates(excluded, len(self.item_ids), positives[:, 0]))
        for name, scorer in scorers.items():
            per_user = evaluate(scorer, positives, excluded, evaluation.k, evaluation.metrics)
            # Each estimand is written once it is evaluated, so an interruption loses one at most.
            rows.append(self.results.add(split, name, chosen[name], per_user).row())
        return pd.DataFrame(rows)

    def evaluate_truth(
        self,
        truth: str | Path,
        estimands: str | Estimand | Sequence[str | Estimand] = (),
        target: str = "like",
        *,
        causal_graph: CausalGraph | None = None,
    ) -> pd.DataFrame:
        """Evaluate the ranking by the truth of the simulated world behind the data; the test split stays locked.

        >>> table = run.evaluate_truth(raw)
        >>> table["method"].tolist(), "regret_do@50" in table
        (['HCR', 'HCR-T', 'HCR-S1', 'HCR-S2'], True)

        Args:
            truth: folder that `simulate` wrote (or the `truth` folder in it).
            estimands: as in `evaluate`.
            target: `like`, the truth being P(like | user, do(item)), or `satisfaction`, P(like | user, do(item is
                clicked)). The result set is then called `truth` or `satisfaction`.
            causal_graph: as in `evaluate`.

        Returns:
            As `evaluate`, with `ndcg_do@50` (likes drawn under the intervention, items not in train),
            `regret_do@50` (share of the best list's expected likes that is lost; lower is better),
            `rank_correlation_do` (of score and truth) and `leakage_do` (of the hidden confounder into the score).

        Raises:
            DataError: the folder has no truth, or another world's; or the data is gone.
            RunError: the data has changed.
            UnknownNameError: no target of that name.
        """
        _require_graph(causal_graph)
        folder, data = path_argument("truth", truth), Path(self.recipe.data.path)
        choice_argument("target", target, TRUTH_SETS, Argument("target"))
        self._require("dataset_fingerprint", fingerprint(data))
        # No split is made: the ids and the training pairs are in the run's folder.
        world = truth_of(folder, read_manifest(data).provenance, self.user_ids, self.item_ids)
        metrics, rows = self.recipe.evaluation.metrics, []
        users = np.arange(len(self.user_ids))
        warn_of_long_lists((TRUTH_K,), candidates(self.train_interactions, len(self.item_ids), users), settable=False)
        for name, estimand in self.choose(estimands).items():
            scorer = self.model.scorer(estimand, causal_graph)
            per_user = evaluate_by_truth(scorer, world, self.train_interactions, target=target, metrics=metrics)
            rows.append(self.results.add(TRUTH_SETS[target], name, estimand, per_user).row())
        return pd.DataFrame(rows)

    def refutation(self) -> dict[str, Any]:
        """The results of `refute` so far, by check."""
        path = self.folder / REFUTATION / "results.json"
        return read_own_json(path, "refute the run again, after the file is removed") if path.is_file() else {}

    def recommend(
        self,
        users: Iterable[str],
        k: int = 20,
        *,
        estimand: str | Estimand | None = None,
        seen: bool = False,
        causal_graph: CausalGraph | None = None,
    ) -> pd.DataFrame:
        """The best items for each of some users.

        Args:
            users: external ids; or one id.
            k: list length.
            estimand: by default the first of `variants()`.
            seen: True admits items of the training split.
            causal_graph: as in `evaluate`.

        Returns:
            Columns `user`, `rank` (from 1), `item` (external ids), `score` (comparable within a user only).

        Raises:
            UnknownIdError: names the ids that were not in the training data.
        """
        # A text is iterable, too: a single id must not become its characters.
        user_ids = [users] if isinstance(users, str) else list(map(str, items_argument("users", users, USER_IDS)))
        require_type("seen", seen, bool, "True or False")
        _require_graph(causal_graph)
        length = _list_length(k)
        if estimand is not None:
            require_type("estimand", estimand, (str, Estimand), "a name such as 'observational', or an Estimand")
        chosen = self.choose([estimand] if estimand else ())
        if estimand and len(chosen) > 1:
            raise RecipeError(
                "one list is made under one estimand",
                expected="one value an option",
                got=f"`{estimand}`",
                where=Argument("estimand"),
                next_step="call once for each of " + ", ".join(chosen),
            )
        rows = index_of(self.user_ids, user_ids, "user")
        scorer = self.model.scorer(next(iter(chosen.values())), causal_graph)
        excluded = PairIndex(np.empty((0, 2), dtype=np.int64) if seen else self.train_interactions, len(self.user_ids))
        tables, start = [], 0
        for block, scores, best in rank_all(scorer, rows, length, excluded):
            values = scores.gather(1, best).numpy().ravel()
            listed = np.isfinite(values)  # where a user has fewer than k candidates, excluded items fill the row
            names = np.repeat(np.asarray(user_ids[start : start + len(block)], dtype=object), best.shape[1])
            table = pd.DataFrame(
                {
                    "user": names,
                    "rank": np.tile(np.arange(1, best.shape[1] + 1), len(block)),
                    "item": self.item_ids[best.numpy().ravel()],
                    "score": values,
                }
            )
            tables.append(table[listed])
            start += len(block)
        columns = ["user", "rank", "item", "score"]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)

    def explain(
        self,
        user: str,
        item: str,
        *,
        k: int = 10,
        estimands: str | Estimand | Sequence[str | Estimand] = (),
        causal_graph: CausalGraph | None = None,
    ) -> Explanation:
        """Why an item has its rank for a user, and the user's list under each estimand.

        >>> explanation = run.explain(run.user_ids[0], run.item_ids[5], k=5)
        >>> explanation.user == run.user_ids[0]
        True

        Args:
            user, item: external ids.
            k: list length.
            estimands: as in `evaluate`; the first is explained. By default `variants()`, and the decoder's where the
                recipe names others. The observational score is added where it is missing.
            causal_graph: as in `evaluate`.

        Raises:
            UnknownIdError: an id that was not in the training data; names the nearest.
            IdentificationError: an estimand is not identified on the causal graph.
        """
        _require_graph(causal_graph)
        length = _list_length(k)
        row = int(index_of(self.user_ids, [str(user)], "user")[0])
        column = int(index_of(self.item_ids, [str(item)], "item")[0])
        pairs = self.train_interactions
        chosen = (
            [estimands] if isinstance(estimands, (str, Estimand)) else items_argument("estimands", estimands, ESTIMANDS)
        )
        return explain(
            self.model,
            row,
            column,
            train_items=pairs[pairs[:, 0] == row, 1],
            estimands=self.choose(chosen) if chosen else self.variants() | self.names.published,
            k=length,
            causal_graph=causal_graph,
            user_ids=self.user_ids,
            item_ids=self.item_ids,
        )

    def export(self, out: str | Path, format: str = "parquet") -> Path:
        """Write user and item tables of every representation and branch, with ids; see `graphrec.export`.

        >>> sorted(path.name for path in run.export("embeddings", "npz").iterdir())
        ['embeddings.json', 'graphrec.json', 'items.parquet', 'tables.npz', 'users.parquet']

        Args:
            out: a new folder, or one that an export wrote.
            format: `parquet`, `safetensors` or `npz`.

        Returns:
            The folder.
        """
        folder = path_argument("out", out)
        require_type("format", format, str, "the name of a format, such as 'parquet'")
        about = {"run": self.name, "decoder": self.recipe.decoder, "dataset": self.manifest["dataset"]}
        return export_model(self.model, self.user_ids, self.item_ids, folder, format, about)

    def split(self) -> Split:
        """The split that the run was trained on, made again from the data and checked against the manifest.

        Raises:
            RunError: the data has changed.
            DataError: the data is gone or damaged.
        """
        self._require("dataset_fingerprint", fingerprint(Path(self.recipe.data.path)))
        split = prepare_split(self.recipe)
        self._require("split_hash", split.hash)
        return split

    def _require(self, key: str, now: str) -> None:
        if now != self.manifest[key]:
            raise MismatchError(
                "the data is not what this run was trained on",
                expected=f"{key} {self.manifest[key][:12]}",
                got=f"{key} {now[:12]}",
                where=self.recipe.data.path,
                next_step="prepare the same raw data again, or train a new run",
            )

    def choose(self, estimands: str | Estimand | Sequence[str | Estimand]) -> dict[str, Estimand]:
        """Estimands by their name in tables, from texts as on the command line; by default `variants()`.

        >>> list(run.choose(["observational", "effect_on_mediator"]))
        ['HCR-T', 'HCR-S1']

        Raises:
            UnknownNameError, RecipeError: a text names no estimand.
            ArgumentError: something else than a text or an estimand.
        """
        if isinstance(estimands, (str, Estimand)):  # both can be iterated: over letters, over fields
            estimands = [estimands] if estimands else ()
        chosen: list[Estimand] = []
        for estimand in items_argument("estimands", estimands, ESTIMANDS):
            require_type("estimands", estimand, (str, Estimand), ESTIMANDS)
            if isinstance(estimand, str):
                estimand = anchored(estimand, Path.cwd())
                permit(estimand)
                chosen.extend(parse_estimand(estimand))
            else:
                chosen.append(estimand)
        if not chosen:
            return self.variants()
        return {self.names.name_of(estimand): estimand for estimand in chosen}


def _list_length(k: object) -> int:
    length = number_argument("k", k)
    if length < 1:
        raise RunError("the list is too short", expected="at least 1 item", got=length, where=Argument("k"))
    return length


def _require_graph(causal_graph: object) -> None:
    require_type("causal_graph", causal_graph, (CausalGraph, type(None)), "a CausalGraph, or None for the decoder's")
