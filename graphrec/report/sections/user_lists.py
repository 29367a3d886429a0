"""A few users' lists under each estimand, side by side, with what the items are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from graphrec.data.dataset import Feature
from graphrec.data.split import Split
from graphrec.errors import GraphrecError
from graphrec.report.page import RunPage
from graphrec.report.section import Section
from graphrec.report.sections.explanation import examples
from graphrec.runs.run import Run

SHARES = (0.1, 0.5, 0.9)
"""Users with few, the median number of, and many training clicks: their quantiles."""
LENGTH = 10
COLUMNS = 6
"""Lists side by side at most: a sweep has many."""
WORDS = 3
HISTORY = 5


class UserListsSection(Section):
    """The first items of three users by each of a few runs.

    >>> from graphrec.testing.small_run import small_page
    >>> lists = UserListsSection().context(small_page())["lists"]
    >>> [user["clicks"] for user in lists["users"]], lists["dense"]
    ([3, 5, 7], ['visual', 'acoustic'])
    """

    id = "lists"
    title = "Users' lists"
    template = "user_lists.html"

    def heading(self, page: RunPage) -> str:
        return "Users' lists under each estimand"

    def context(self, page: RunPage) -> Mapping[str, Any]:
        return {"lists": user_lists(page.first_runs, page.run_names)}


def user_lists(runs: Sequence[Run], names: Mapping[Path, str]) -> dict[str, Any]:
    """The first items of three users by each of a few runs, under each of its estimands; opens no test split.

    Items are described by the data that the runs were trained on; where it is gone, `problem` says so.

    >>> lists = user_lists([run], {run.folder: "HCR"})
    >>> (shown,) = lists["users"][0]["runs"]
    >>> [method for method, shared in shown["columns"]], len(shown["rows"])
    (['HCR', 'HCR-T', 'HCR-S1', 'HCR-S2'], 10)
    """
    problem, catalogue = None, None
    try:
        catalogue = Catalogue(runs[0].split())
    except GraphrecError as error:
        problem = error.problem
    counts = np.bincount(runs[0].train_interactions[:, 0], minlength=len(runs[0].user_ids))
    order = np.sort(counts)
    # Counts that some user has, not interpolated ones.
    quantiles = [order[int(share * (len(order) - 1))] for share in SHARES]
    shown = []
    # Two quantiles may be the same user, who is shown once.
    for row in dict.fromkeys(int(np.flatnonzero(counts == count)[0]) for count in quantiles):
        user = runs[0].user_ids[row]
        described = None if catalogue is None else (catalogue, catalogue.profile(user))
        shown.append(
            {
                "user": user,
                "clicks": int(counts[row]),
                "history": described[0].history(described[1]) if described else [],
                "runs": [_run(run, names[run.folder], user, described) for run in examples(runs)],
            }
        )
    return {"problem": problem, "users": shown, "dense": catalogue.dense if catalogue else []}


def _run(run: Run, name: str, user: str, described: tuple[Catalogue, Profile] | None) -> dict[str, Any]:
    """A run's lists for a user, one for each estimand: `columns`, and `rows` of their items by rank."""
    variants = list(run.variants().items())[:COLUMNS]
    try:
        lists = [run.recommend([user], LENGTH, estimand=estimand)["item"].tolist() for _, estimand in variants]
    except GraphrecError as error:
        return {"name": name, "error": str(error)}
    first = variants[0][0]
    shared = [f"{len(set(items) & set(lists[0]))} of {len(items)} also by {first}" for items in lists[1:]]
    nothing = {"text": "", "liked": False}
    about = {
        item: described[0].about(described[1], item) if described else nothing for items in lists for item in items
    }
    return {
        "name": name,
        "error": None,
        "columns": list(zip([method for method, _ in variants], ["", *shared])),
        "rows": [
            [{"item": items[rank], **about[items[rank]]} if rank < len(items) else None for items in lists]
            for rank in range(max(map(len, lists)))
        ],
    }


@dataclass(frozen=True)
class Profile:
    """A user's row, training items in order of time, and by dense modality `[D]` their mean less that of all items.

    >>> catalogue = Catalogue(run.split())
    >>> profile = catalogue.profile(run.user_ids[0])
    >>> profile.user, {name: mean.shape for name, mean in profile.means.items()}
    (0, {'visual': (128,), 'acoustic': (128,)})
    """

    user: int
    items: np.ndarray
    means: Mapping[str, np.ndarray]


class Catalogue:
    """What items are, in words: their categories and words, how like a user's items they look, how often clicked.

    Args:
        split: of the data; its test split stays closed.

    >>> catalogue = Catalogue(run.split())
    >>> profile = catalogue.profile(run.user_ids[0])
    >>> catalogue.about(profile, run.item_ids[0])["text"]
    'textual: 205, 684, 13 and 17 more; visual -0.02; acoustic +0.18; 6 clicks, 3 likes'
    """

    def __init__(self, split: Split) -> None:
        dataset = split.dataset
        self.ids = dataset.item_ids
        self.features: dict[str, Feature] = dict(dataset.features)
        self.dense = [name for name, feature in self.features.items() if not feature.is_sparse]
        self.means = {name: _mean_item(self.features[name]) for name in self.dense}
        self.users = {user: row for row, user in enumerate(dataset.user_ids)}
        self.items = {item: row for row, item in enumerate(dataset.item_ids)}
        self.clicked = dataset.pairs("click")
        roles = ("click",) if dataset.single_behaviour else ("click", "like")
        self.counts = {
            f"{role}s": np.bincount(split.train_pairs(role)[:, 1], minlength=dataset.num_items) for role in roles
        }
        self.liked = {(int(user), int(item)) for user, item in split.valid}

    def profile(self, user: str) -> Profile:
        row = self.users[user]
        items = self.clicked.loc[self.clicked["user"] == row, "item"].to_numpy()
        features = ((name, self.features[name]) for name in self.dense)
        means = {name: _mean(feature, items[feature.mask[items]]) - self.means[name] for name, feature in features}
        return Profile(row, items, means)

    def about(self, profile: Profile, item: str) -> dict[str, Any]:
        """`text`, and whether the user's like of the item is held out for validation."""
        column = self.items[item]
        words = [self._words(name, column) for name in self.features if name not in self.dense]
        words += [self._likeness(name, column, profile) for name in self.dense]
        words.append(", ".join(f"{count[column]:,} {what}" for what, count in self.counts.items()))
        return {"text": "; ".join(words), "liked": (profile.user, column) in self.liked}

    def history(self, profile: Profile) -> list[tuple[str, str]]:
        """The last items that the user clicked in training, each with its words; the first ones without times."""
        dated = "timestamp" in self.clicked.columns
        last = profile.items[-HISTORY:][::-1] if dated else profile.items[:HISTORY]
        worded = [name for name in self.features if name not in self.dense]
        return [(self.ids[item], "; ".join(self._words(name, item) for name in worded)) for item in last]

    def _words(self, name: str, item: int) -> str:
        """`category: Toys, Games and 2 more`, those of the greatest weight first."""
        feature = self.features[name]
        if not feature.mask[item]:
            return f"no {name}"
        row = sparse.csr_array(feature.values)[[item]]
        order = np.lexsort((row.indices, -row.data))
        words = [str(column) if feature.columns is None else feature.columns[column] for column in row.indices[order]]
        more = f" and {len(words) - WORDS} more" if len(words) > WORDS else ""
        return f"{name}: {', '.join(words[:WORDS])}{more}"

    def _likeness(self, name: str, item: int, profile: Profile) -> str:
        """`visual +.41`: the cosine of the item and of the user's mean item, both less the mean of all items."""
        if not self.features[name].mask[item]:
            return f"no {name}"
        offset, mean = self.features[name].values[item] - self.means[name], profile.means[name]
        scale = float(np.linalg.norm(offset) * np.linalg.norm(mean))
        return f"{name} {float(offset @ mean) / scale:+.2f}" if scale > 0 else f"{name} –"


def _mean_item(feature: Feature) -> np.ndarray:
    """`[D]` the mean of the items that have the modality; without a copy of them, as all other rows are zero."""
    return feature.values.sum(axis=0, dtype=np.float64) / max(int(feature.mask.sum()), 1)


def _mean(feature: Feature, items: np.ndarray) -> np.ndarray:
    """`[D]` the mean of the items' rows; NaN for no items."""
    return feature.values[items].mean(axis=0) if len(items) else np.full(feature.width, np.nan)
