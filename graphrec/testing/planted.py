"""A planted world: a small dataset whose right ranking follows from how it was made.

Users and items come in groups. A user clicks on items of the user's own group and of the next one, and likes only those
of the own group. Some items of the own group are withheld from training: they, and nothing else, belong at the top of
the ranking. All items are clicked about equally often, so that popularity says nothing.

>>> split = planted_split()
>>> round(popular_recall(split), 2)
0.06
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from graphrec.backbones import backbones
from graphrec.data.bags import bag
from graphrec.data.dataset import Feature, InteractionDataset, dataset_from_events
from graphrec.data.split import Split, SplitConfig, make_split
from graphrec.decoders import Context, decoders
from graphrec.evaluation.popularity import PopularityScorer
from graphrec.evaluation.ranking import evaluate
from graphrec.evaluation.scorer import Scorer
from graphrec.graph.build import InteractionGraph
from graphrec.recommender import Recommender
from graphrec.training.config import TrainingConfig
from graphrec.training.loop import Trainer

GROUPS, USERS_EACH, ITEMS_EACH = 4, 10, 12
NUM_USERS, NUM_ITEMS = GROUPS * USERS_EACH, GROUPS * ITEMS_EACH
WITHHELD_EACH = 4
"""Items of the own group that are withheld from each user: two for validation, two for test."""
LIKED_EACH, CLICKED_EACH = ITEMS_EACH - WITHHELD_EACH, 4
"""Training likes of each user, all in the own group, and clicks on the next group that are no likes."""
PLANTED_CLICKS = NUM_USERS * (LIKED_EACH + CLICKED_EACH)
CONTEXT = Context(
    exposure=("visual", "title"),
    content=("acoustic",),
    embedding_size=16,
    num_users=NUM_USERS,
    num_items=NUM_ITEMS,
    widths={"visual": 6, "title": 13, "acoustic": 5},
)


def planted_world(seed: int = 0, *, shuffled: bool = False, single_behaviour: bool = False) -> InteractionDataset:
    """The world as a dataset whose column `part` gives the split.

    Args:
        seed: decides the features and the clicks on the next group.
        shuffled: every user has other items, drawn at random, so that nothing is left to be learned.
        single_behaviour: likes only, which are the clicks as well.

    >>> planted_world().num_users, planted_world().num_items
    (40, 48)
    """
    rng = np.random.default_rng(seed)
    events = []
    for user in range(NUM_USERS):
        group = user // USERS_EACH
        own = group * ITEMS_EACH + np.roll(np.arange(ITEMS_EACH), user % USERS_EACH)
        following = (group + 1) % GROUPS * ITEMS_EACH + rng.permutation(ITEMS_EACH)
        parts = ["valid", "valid", "test", "test", *["train"] * LIKED_EACH]
        for item, part in zip(own.tolist(), parts):
            events += [(user, item, behaviour, part) for behaviour in ("click", "like")]
        # Clicks without a like: who learns from clicks alone ranks the next group as high as the own one.
        events += [(user, item, "click", "train") for item in following[:CLICKED_EACH].tolist()]
    table = pd.DataFrame(events, columns=["user", "item", "behaviour", "part"])
    if single_behaviour:
        table = table[table["behaviour"] == "like"].reset_index(drop=True)
    if shuffled:
        table = _shuffled(table, rng)
    dataset = dataset_from_events(
        "planted",
        table,
        feedback={"click": ("like" if single_behaviour else "click",), "like": ("like",)},
        provenance={},
        user_ids=np.asarray([str(user) for user in range(NUM_USERS)], dtype=object),
        item_ids=np.asarray([str(item) for item in range(NUM_ITEMS)], dtype=object),
    )
    dataset.features.update(_features(rng))  # type: ignore[attr-defined]
    dataset.roles.update({"visual": "exposure", "title": "exposure", "acoustic": "content"})  # type: ignore[attr-defined]
    return dataset


def planted_split(**options: bool) -> Split:
    """The planted world with its own division into train, valid and test; `options` are those of `planted_world`.

    >>> split = planted_split()
    >>> len(split.train_pairs("like")), len(split.valid)
    (320, 80)
    """
    return make_split(planted_world(**options), SplitConfig(name="given"))


def planted_graph(**options: bool) -> InteractionGraph:
    """The training graph of the planted world.

    >>> graph = planted_graph()
    >>> graph.num_users, graph.num_items, graph.modalities
    (40, 48, ('visual', 'acoustic', 'title'))
    """
    return InteractionGraph.from_split(planted_split(**options))


def recall(scorer: Scorer, split: Split) -> float:
    """Recall of the test pairs in lists as long as a user has withheld items: 1 where nothing else ranks above them.

    A scorer that knows the users' groups ranks the withheld items, and nothing else, at the top:

    >>> from graphrec.evaluation.scorer import TableScorer
    >>> group_of_user, group_of_item = np.arange(NUM_USERS) // USERS_EACH, np.arange(NUM_ITEMS) // ITEMS_EACH
    >>> recall(TableScorer((group_of_user[:, None] == group_of_item).astype(float)), planted_split())
    1.0
    """
    table: pd.DataFrame = evaluate(scorer, split.open_test("a test"), split.train_pairs("click"), (WITHHELD_EACH,))
    return float(table[f"recall@{WITHHELD_EACH}"].mean())


def popular_recall(split: Split) -> float:
    """`recall` of the ranking by number of training likes.

    >>> round(popular_recall(planted_split()), 2)
    0.06
    """
    return recall(PopularityScorer(split.train_pairs("like"), NUM_USERS, NUM_ITEMS), split)


def trained_recall(
    split: Split,
    decoder: str,
    settings: Mapping[str, Any] | None = None,
    *,
    backbone: str = "mmgcn",
    backbone_settings: Mapping[str, Any] | None = None,
    epochs: int = 9,
    seed: int = 0,
) -> float:
    """`recall` of a decoder on a backbone after a few epochs, under the first of its variants.

    Args:
        split: as `planted_split` makes it.
        decoder, settings: the decoder's name or import path, and its settings.
        backbone, backbone_settings: the same of the backbone.
        epochs: of training.
        seed: decides initial weights and batches.

    >>> split = planted_split()
    >>> trained_recall(split, "ct", backbone="mf", epochs=9) > popular_recall(split)
    True
    """
    graph = InteractionGraph.from_split(split)
    config = backbones.get(backbone).Config(**{"embedding_size": CONTEXT.embedding_size, **(backbone_settings or {})})
    model = Recommender(
        backbone, config, decoder, decoders.get(decoder).Config(**(settings or {})), graph, CONTEXT, seed
    )
    training = TrainingConfig(learning_rate=0.01, batch_size=128, epochs=epochs, validate_every=epochs, monitor="none")
    Trainer(model, graph, training, seed, lambda model: {"none": 0.0}).run()
    estimand = next(iter(model.decoder.variants().values()))
    return recall(model.freeze(graph).scorer(estimand), split)


def _shuffled(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The table with each user's items, also the held-out ones, replaced by others at random."""
    parts = [events.assign(item=rng.permutation(NUM_ITEMS)[events["item"]]) for _, events in table.groupby("user")]
    return pd.concat(parts, ignore_index=True)


def _features(rng: np.random.Generator) -> dict[str, Feature]:
    """Features that tell the item's group with some noise. One item in ten lacks each modality."""
    group = np.arange(NUM_ITEMS) // ITEMS_EACH
    features = {}
    for name, width in (("visual", 6), ("acoustic", 5)):
        values = (rng.normal(size=(GROUPS, width))[group] + 0.5 * rng.normal(size=(NUM_ITEMS, width))).astype(
            np.float32
        )
        mask = rng.random(NUM_ITEMS) > 0.1
        features[name] = Feature(values * mask[:, None], mask)
    items = np.repeat(np.arange(NUM_ITEMS), 5)
    words = np.where(rng.random(len(items)) < 0.7, group[items] * 3 + rng.integers(3, size=len(items)), 12)
    features["title"] = bag(items, words, np.ones(len(items)), (NUM_ITEMS, 13), map(str, range(13)))
    return features
