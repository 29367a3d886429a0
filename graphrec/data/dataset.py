"""InteractionDataset: the form in which every source returns its data.

Inside graphrec users and items are dense integers; the external ids are translated when data come in and go out.
Behaviours keep the names of the source. `feedback` says which of them are the *click* and which the *like* (HCR section
3: the like is any feedback after the click that shows that the user was pleased).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import sparse

from graphrec.errors import DataError, UnknownIdError, UnknownNameError, nearest_name

FeedbackRole = Literal["click", "like"]
"""What a behaviour of the log counts as; see `InteractionDataset.feedback`."""
ModalityRole = Literal["exposure", "content"]
PARTS = ("train", "valid", "test")
UNKNOWN = "unknown"
"""The encoder or layer of vectors whose files do not say what made them."""


@dataclass(frozen=True)
class Feature:
    """One modality's item features.

    Dense features (a picture's embedding) and bags (words of a title, a category, a price band) are the same thing to
    the models: a matrix that is multiplied by a learned map. A bag's rows sum to one, so the product with a table of
    word embeddings is the mean of the embeddings of the item's words.

    Args:
        values: `[I, D]` float32, an array or a scipy CSR matrix. Rows without data are zero.
        mask: `[I]` bool, True where the item has this modality.
        columns: names of the D columns, when the source knows them (words, categories).
        provenance: where the numbers come from (file, transformation).
        encoder: the model that made the numbers, such as `CaffeNet`; `UNKNOWN` where the files do not say;
            empty where no model was needed, as for a bag.
        layer: which of its layers was read, such as `fc7`; otherwise as `encoder`.

    >>> feature = Feature(np.array([[3.0, 4.0], [0.0, 0.0]], dtype=np.float32), mask=np.array([True, False]))
    >>> feature.width, feature.norms()
    (2, array([5.]))
    """

    values: np.ndarray | sparse.csr_array
    mask: np.ndarray
    columns: tuple[str, ...] | None = None
    provenance: str = ""
    encoder: str = ""
    layer: str = ""

    @property
    def is_sparse(self) -> bool:
        return sparse.issparse(self.values)

    @property
    def width(self) -> int:
        """D, the number of columns."""
        return int(self.values.shape[1])

    @property
    def is_categorical(self) -> bool:
        """Whether it is a bag of which no item has more than one entry, such as a category."""
        return sparse.issparse(self.values) and bool((np.diff(sparse.csr_array(self.values).indptr) <= 1).all())

    def norms(self) -> np.ndarray:
        """Euclidean norms of the rows of items that have the modality, without those that are zero."""
        rows: Any = self.values[np.flatnonzero(self.mask)]
        squares = rows.power(2).sum(axis=1) if sparse.issparse(rows) else np.einsum("id,id->i", rows, rows)
        norms = np.sqrt(np.asarray(squares, dtype=np.float64).ravel())
        return norms[norms > 0]

    def take(self, items: np.ndarray) -> Feature:
        """The same feature for `items`, in their order."""
        return replace(self, values=self.values[items], mask=self.mask[items])


@dataclass(frozen=True)
class InteractionDataset:
    """Users, items, what users did, and what items look like.

    Args:
        name: the dataset's name, as shown in tables.
        user_ids: `[U]` external ids as strings, unique; row number = dense id.
        item_ids: `[I]` likewise.
        interactions: one row an event, columns `user` and `item` (int64 dense ids), `behaviour` (categorical),
            `timestamp` (int64, any unit that sorts) unless the source has no times, and `part` (categorical: train,
            valid, test) only where the source gives the split.
        feedback: the behaviours of each feedback role, such as
            `{"click": ("click",), "like": ("finish", "thumbs_up")}`.
            A source with a single behaviour has it for both.
        features: item features by modality.
        roles: for each modality whether the user sees it before the click (`exposure`) or after (`content`).
        provenance: source, layout, file hashes, options; saved with the prepared data.

    >>> columns = ["user", "item", "behaviour"]
    >>> rows = [("ann", "x", "click"), ("ben", "x", "like"), ("ann", "y", "click")]
    >>> events = pd.DataFrame(rows, columns=columns)
    >>> dataset = dataset_from_events(
    ...     "films", events, feedback={"click": ("click",), "like": ("like",)}, provenance={"source": "by hand"}
    ... )
    >>> dataset.num_users, dataset.num_items, dataset.behaviours, dataset.has_times
    (2, 2, ('click', 'like'), False)

    A like counts as a click:

    >>> dataset.pairs("click")[["user", "item"]].to_numpy().tolist(), len(dataset.pairs("like"))
    ([[0, 0], [0, 1], [1, 0]], 1)
    """

    name: str
    user_ids: np.ndarray
    item_ids: np.ndarray
    interactions: pd.DataFrame
    feedback: Mapping[str, tuple[str, ...]]
    features: Mapping[str, Feature] = field(default_factory=dict)
    roles: Mapping[str, ModalityRole] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def num_users(self) -> int:
        return len(self.user_ids)

    @property
    def num_items(self) -> int:
        return len(self.item_ids)

    @property
    def behaviours(self) -> tuple[str, ...]:
        """The behaviours that occur, in the source's order."""
        return tuple(self.interactions["behaviour"].cat.categories)

    @property
    def has_times(self) -> bool:
        return "timestamp" in self.interactions.columns

    @property
    def single_behaviour(self) -> bool:
        """True where the like is nothing but the click."""
        return set(self.feedback["like"]) == set(self.feedback["click"])

    def with_feedback(self, feedback: Mapping[str, list[str] | tuple[str, ...]]) -> InteractionDataset:
        """The same data with other behaviours as click or like.

        Raises:
            UnknownNameError: a role or a behaviour that this dataset does not have.
        """
        merged = dict(self.feedback)
        for role, names in feedback.items():
            if role not in ("click", "like"):
                raise UnknownNameError("feedback role", role, ("click", "like"))
            for name in names:
                if name not in self.behaviours:
                    raise UnknownNameError("behaviour", name, self.behaviours, where=f"feedback.{role}")
            merged[role] = tuple(names)
        return replace(self, feedback=merged)

    def pairs(self, role: str) -> pd.DataFrame:
        """Unique (user, item) pairs of a role, each with its first time, in order of time (else of user, item).

        A like counts as a click too: a thing that was bought was looked at, whether or not the log says so
        (HCR section 4: likes are a subset of clicks).

        Returns:
            Columns `user`, `item`, and `timestamp`, `part` where the dataset has them.
        """
        names = set(self.feedback[role])
        if role == "click":
            names |= set(self.feedback["like"])
        events = self.interactions[self.interactions["behaviour"].isin(names)]
        order = ["timestamp", "user", "item"] if self.has_times else ["user", "item"]
        # Stable, so that of rows with equal times the first in the log decides the pair's `part`.
        events = events.sort_values(order, kind="stable").drop_duplicates(["user", "item"], keep="first")
        return events.drop(columns="behaviour").reset_index(drop=True)

    def subset(self, interactions: pd.DataFrame, users: np.ndarray, items: np.ndarray) -> InteractionDataset:
        """Keep only some dense users and items and renumber them; `interactions` still has the old numbers."""
        # -1 marks what is left out.
        user_of = np.full(self.num_users, -1, dtype=np.int64)
        item_of = np.full(self.num_items, -1, dtype=np.int64)
        user_of[users] = np.arange(len(users))
        item_of[items] = np.arange(len(items))
        renumbered = interactions.assign(
            user=user_of[interactions["user"].to_numpy()], item=item_of[interactions["item"].to_numpy()]
        )
        inside = (renumbered["user"] >= 0) & (renumbered["item"] >= 0)
        return replace(
            self,
            user_ids=self.user_ids[users],
            item_ids=self.item_ids[items],
            interactions=renumbered[inside].reset_index(drop=True),
            features={name: feature.take(items) for name, feature in self.features.items()},
        )


def index_of(ids: np.ndarray, external: list[str], kind: str) -> np.ndarray:
    """Dense numbers of external ids.

    Raises:
        UnknownIdError: some ids are unknown; lists them, and for a single one the nearest.

    >>> index_of(np.array(["x", "y", "z"], dtype=object), ["z", "x"], "item")
    array([2, 0])
    """
    positions = pd.Index(ids).get_indexer([str(name) for name in external])
    missing = [name for name, position in zip(external, positions) if position < 0]
    if missing:
        nearest = nearest_name(str(missing[0]), map(str, ids)) if len(missing) == 1 else None
        raise UnknownIdError(
            f"{len(missing)} of {len(external)} {kind} ids are unknown"
            + (f"; did you mean `{nearest}`?" if nearest else ""),
            expected=f"ids such as {', '.join(map(str, ids[:3]))} ({len(ids)} in all)",
            got=", ".join(map(str, missing[:20])),
            next_step="an id that was not in the training data has no embedding; leave it out",
        )
    return positions


def example_pair(dataset: InteractionDataset, table: pd.DataFrame, wrong: np.ndarray) -> str:
    """The external ids of the first row of `table` that is marked in `wrong`.

    >>> events = pd.DataFrame({"user": ["ann", "ben"], "item": ["x", "y"], "behaviour": ["click", "click"]})
    >>> feedback = {"click": ("click",), "like": ("click",)}
    >>> dataset = dataset_from_events("films", events, feedback=feedback, provenance={})
    >>> example_pair(dataset, dataset.interactions, np.array([False, True]))
    'user ben, item y'
    """
    row = table.iloc[int(np.argmax(wrong))]
    return f"user {dataset.user_ids[row['user']]}, item {dataset.item_ids[row['item']]}"


def dataset_from_events(
    name: str,
    events: pd.DataFrame,
    *,
    feedback: Mapping[str, tuple[str, ...]],
    provenance: Mapping[str, Any],
    behaviour_order: tuple[str, ...] | None = None,
    item_ids: np.ndarray | None = None,
    user_ids: np.ndarray | None = None,
) -> InteractionDataset:
    """Number external ids and build a dataset without features.

    Args:
        events: columns `user`, `item` (external ids of any type), `behaviour`, and optionally `timestamp`, `part`.
        item_ids, user_ids: the external ids in the order of their numbers; by default those in the events, sorted
            (as numbers where all are whole).

    Raises:
        DataError: no events at all.

    >>> events = pd.DataFrame({"user": [10, 9], "item": ["x", "y"], "behaviour": ["click", "click"]})
    >>> feedback = {"click": ("click",), "like": ("click",)}
    >>> dataset = dataset_from_events("films", events, feedback=feedback, provenance={})
    >>> dataset.user_ids.tolist(), dataset.interactions["user"].tolist()
    (['9', '10'], [1, 0])
    """
    if len(events) == 0:
        raise DataError(
            f"dataset `{name}` has no interactions",
            expected="at least one event",
            got="0 rows",
            next_step="check the raw files and the options that choose among their rows",
        )
    if user_ids is None:
        user_ids = sort_ids(pd.unique(events["user"]))
    if item_ids is None:
        item_ids = sort_ids(pd.unique(events["item"]))
    order = behaviour_order or tuple(sorted(events["behaviour"].astype(str).unique()))
    table = pd.DataFrame(
        {
            "user": pd.Index(user_ids).get_indexer(events["user"].astype(str)),
            "item": pd.Index(item_ids).get_indexer(events["item"].astype(str)),
            "behaviour": pd.Categorical(events["behaviour"].astype(str), categories=list(order)),
        }
    )
    if "timestamp" in events:
        table["timestamp"] = events["timestamp"].to_numpy().astype(np.int64)
    if "part" in events:
        table["part"] = pd.Categorical(events["part"].astype(str), categories=list(PARTS))
    return InteractionDataset(
        name=name,
        user_ids=np.asarray(user_ids, dtype=object),
        item_ids=np.asarray(item_ids, dtype=object),
        interactions=table,
        feedback=dict(feedback),
        provenance=dict(provenance),
    )


def sort_ids(ids: Iterable[object]) -> np.ndarray:
    """Distinct external ids as strings, in numerical order where all are whole numbers.

    >>> sort_ids([10, 9, 100]).tolist(), sort_ids(["10", "9", "b"]).tolist()
    (['9', '10', '100'], ['10', '9', 'b'])
    """
    text = np.asarray([str(value) for value in ids], dtype=object)
    try:
        keys = np.asarray([int(value) for value in text])
    except (ValueError, OverflowError):
        return np.sort(text)
    return text[np.argsort(keys, kind="stable")]
