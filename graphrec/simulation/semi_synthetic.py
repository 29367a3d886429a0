"""Semi-synthetic twins: a real dataset's items, features and activity; what users did there is simulated.

    q_i, e_i   content and exposure taste: random projections of the item's standardised content and exposure features
    v_i        1 for the share `prevalence` of items whose exposure features reach furthest along a random direction
    p_u, s_u   standard normal, as in every world: users are known by how much they clicked, not by what

Features are standardised column by column, each modality counts alike, and the projections are standardised over items,
so that match and attraction have the spread that the world's settings name. A role without a modality is shown by those
of the other; an item without the features draws its latents as in any world. Each user is shown item after item until
they have clicked as many as in the real data, at the times they did. A click given that the item is shown, a like and
the truth follow the world's equations to the letter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from graphrec.data.dataset import Feature, InteractionDataset
from graphrec.data.store import fingerprint, save
from graphrec.errors import Argument, DataError, Phrase, RecipeError
from graphrec.seeding import numpy_generator
from graphrec.simulation.base import KIND, WORLD, World, about, refuse_truth, write_truth
from graphrec.simulation.equations import order_of_showing, responses
from graphrec.simulation.log import DAY, START, Log
from graphrec.simulation.showing import arrival, popularity
from graphrec.simulation.truth import Truth
from graphrec.simulation.world import Latents, WorldConfig, click_given_shown, draw_latents, like_given_click
from graphrec.system.owned_folder import write_own_json
from graphrec.system.replaced_folder import replace_folder

PREPARED = "prepared"
DECIDED_BY_DATASET = ("users", "items", "shown", "activity_tail")
"""What the dataset decides in place of a setting."""


def semi_synthetic_config(world: type[World], dataset: InteractionDataset, settings: Mapping[str, Any]) -> WorldConfig:
    """The world's structural settings at the dataset's size; what is not set is the world's default.

    Raises:
        RecipeError: a setting that the dataset decides.
        ValidationError: a setting that no world has, or out of range.

    >>> from graphrec.data.store import load
    >>> from graphrec.simulation import TiktokWorld
    >>> config = semi_synthetic_config(TiktokWorld, load(data), {"strength": 4})
    >>> config.users, config.items, config.strength
    (60, 40, 4.0)
    """
    for name in DECIDED_BY_DATASET:
        if name in settings:
            raise RecipeError(
                f"the setting `{name}` is the dataset's",
                got=f"{name}={settings[name]!r}",
                next_step=Phrase("leave it out, or simulate a whole world without {}", Argument("dataset")),
            )
    fields = world.Config.model_fields
    defaults = {name: fields[name].default for name in WorldConfig.model_fields}
    # `shown` is never the limit here: showing ends when a user has clicked enough.
    sizes = {"users": dataset.num_users, "items": dataset.num_items, "shown": dataset.num_items}
    return WorldConfig(**{**defaults, **settings, **sizes})


def write_semi_synthetic(
    world: type[World], config: WorldConfig, folder: Path, dataset: InteractionDataset, out: Path
) -> Path:
    """Write `prepared/`, `truth/` and `world.json` into `out`, atomically; returns `out`.

    Args:
        folder: where `dataset` was loaded from.

    Raises:
        DataError: `out` holds what graphrec did not write, or the dataset's features do not differ between items.

    >>> from graphrec.data.store import load
    >>> from graphrec.simulation import TiktokWorld
    >>> dataset = load(data)
    >>> config = semi_synthetic_config(TiktokWorld, dataset, {})
    >>> folder = write_semi_synthetic(TiktokWorld, config, data, dataset, Path("twin"))
    >>> sorted(path.name for path in folder.iterdir())
    ['graphrec.json', 'prepared', 'truth', 'world.json']
    """
    refuse_truth(Path(out))
    latents = derive_latents(config, dataset)
    log, missing = draw_feedback(config, latents, dataset)
    truth = Truth(
        config=config,
        latents=latents,
        user_ids=dataset.user_ids,
        item_ids=dataset.item_ids,
        user_rows=np.arange(config.users),
        item_rows=np.arange(config.items),
    )
    description = about(world, config, log) | {
        "semi_synthetic": {"dataset": dataset.name, "fingerprint": fingerprint(folder), "clicks_not_reached": missing}
    }
    graph = world.graph(config)
    graph = replace(graph, edges=[*graph.edges, ("U", "S")])  # who clicked more there is shown more here
    out = Path(out)
    with replace_folder(out, KIND) as new:
        save(_with_feedback(dataset, log, description), new / PREPARED)
        write_truth(truth, graph, _notes(config, dataset, missing), new)
        write_own_json(new / WORLD, description)
    return out


def derive_latents(config: WorldConfig, dataset: InteractionDataset) -> Latents:
    """Tastes drawn, contents of items and the confounder computed from the features.

    Raises:
        DataError: the dataset has no features, or they do not differ between items.

    A tenth of the items is marked, those whose features reach furthest:

    >>> from graphrec.data.store import load
    >>> from graphrec.simulation import TiktokWorld
    >>> dataset = load(data)
    >>> latents = derive_latents(semi_synthetic_config(TiktokWorld, dataset, {}), dataset)
    >>> latents.content.std(axis=0).round(3), int(latents.confounder.sum()), dataset.num_items
    (array([1., 1., 1., 1., 1., 1., 1., 1.]), 4, 40)
    """
    if not dataset.features:
        raise DataError(
            "a semi-synthetic twin needs items with features",
            got=f"dataset {dataset.name} without any",
            next_step=Phrase("bring features, or simulate a whole world without {}", Argument("dataset")),
        )
    exposure, content = _by_role(dataset)
    # Drawn for every item, used where features lack: which items have features shifts no draw.
    drawn = draw_latents(config)
    e, has_exposure = _project(config, "exposure", exposure, config.latent_width)
    q, covered = _project(config, "content", content, config.latent_width)
    direction, _ = _project(config, "confounder", exposure, 1)
    # Ties go by chance. Among items with equal features the row number would choose otherwise.
    chance = numpy_generator(config.seed, "ties").random(config.items)
    furthest = np.lexsort((chance, direction[:, 0]))
    furthest = furthest[has_exposure[furthest]][::-1][: round(config.prevalence * int(has_exposure.sum()))]
    confounder = np.where(has_exposure, False, drawn.confounder)
    confounder[furthest] = True
    return Latents(
        taste=drawn.taste,
        exposure_taste=drawn.exposure_taste,
        content=np.where(covered[:, None], q, drawn.content),
        exposure=np.where(has_exposure[:, None], e, drawn.exposure),
        confounder=confounder,
    )


def draw_feedback(config: WorldConfig, latents: Latents, dataset: InteractionDataset) -> tuple[Log, int]:
    """The simulated log, in order of time, and how many real clicks it falls short of.

    It falls short where a user would click fewer items than they did although every item was shown. Where the real
    data has no times, they are drawn over `days`.

    >>> from graphrec.data.store import load
    >>> from graphrec.simulation import TiktokWorld
    >>> dataset = load(data)
    >>> config = semi_synthetic_config(TiktokWorld, dataset, {})
    >>> log, missing = draw_feedback(config, derive_latents(config, dataset), dataset)
    >>> len(log.user) + missing == len(dataset.pairs("click"))
    True
    """
    # Sorted, so that the real times of a user are one slice.
    real = dataset.pairs("click").sort_values("user", kind="stable")
    counts = np.bincount(real["user"], minlength=config.users)
    ends = np.cumsum(counts)
    popular = popularity(config)
    columns_by_user: list[tuple[np.ndarray, ...]] = []
    for person, (count, end) in enumerate(zip(counts.tolist(), ends.tolist())):
        random = numpy_generator(config.seed, "log", person)
        matches = config.match_scale * latents.content @ latents.taste[person]
        attraction = config.attraction_scale * latents.exposure @ latents.exposure_taste[person]
        times = arrival(config, latents, popular, person, random)
        clicked = np.flatnonzero(random.random(config.items) < click_given_shown(config, matches, attraction))
        # Those of all the items they would click that come first: what showing until enough are clicked comes to.
        items = clicked[np.argsort(times[clicked])[:count]]
        if dataset.has_times:
            moments = random.permutation(real["timestamp"].to_numpy()[end - count : end])[: len(items)]
        else:
            moments = START + random.integers(0, config.days * DAY, len(items))
        columns_by_user.append(
            (np.full(len(items), person), items, moments, matches[items], *random.random((2, len(items))))
        )
    user, item, timestamp, match, uniform, mark = (np.concatenate(column) for column in zip(*columns_by_user))
    first, last = timestamp.min(), timestamp.max()
    before_end = (last - timestamp) / max(1, last - first)
    like = uniform < like_given_click(config, match, latents.confounder[item], before_end)
    order = np.lexsort((item, user, timestamp))
    clicks = np.ones(len(order), dtype=bool)
    log = Log(user[order], item[order], timestamp[order], clicks, like[order], mark[order])
    return log, int(counts.sum()) - len(order)


def _by_role(dataset: InteractionDataset) -> tuple[dict[str, Feature], dict[str, Feature]]:
    """The features that show e_i and those that show q_i: the same ones where the dataset has one role alone."""
    exposure = {name: f for name, f in dataset.features.items() if dataset.roles.get(name) == "exposure"}
    content = {name: f for name, f in dataset.features.items() if name not in exposure}
    return exposure or content, content or exposure


def _notes(config: WorldConfig, dataset: InteractionDataset, missing: int) -> list[str]:
    """The structural equations of this twin in words, a line each."""
    width, v = config.latent_width, f"{config.prevalence:g}"
    shown = _by_role(dataset)
    e, q = (", ".join(features) for features in shown)
    blind = [int((~np.any([f.mask for f in features.values()], axis=0)).sum()) for features in shown]
    drawn = (f"e_i ~ N(0, 1), v_i ~ Bernoulli({v})", "q_i ~ N(0, 1)")
    short = f"; {missing:,} clicks are missing, of users who would click fewer of all the items" if missing else ""
    return [
        f"users, items, features and the number of clicks of each user are those of the dataset {dataset.name}; which "
        "items a user clicked and liked is drawn",
        f"p_u, s_u ~ N(0, 1 / {width}) in {width} dimensions",
        f"e_i: random projections of {e}; q_i: of {q}; each column, and then each of the {width} dimensions, is "
        "standardised over the items that have it",
        f"v_i: 1 for the share {v} of those items that reach furthest along a random direction of {e}, else 0; hidden, "
        "and not independent of e_i",
        *(f"{what} for the {count:,} items without such features" for what, count in zip(drawn, blind) if count),
        *responses(config),
        f"items shown to a user: {order_of_showing(config)}, without replacement, until as many are clicked as in the "
        f"dataset{short}",
        "times: those of the user's clicks in the dataset, in a new order"
        if dataset.has_times
        else f"times: uniform over {config.days} days, as the dataset has none",
    ]


def _project(
    config: WorldConfig, name: str, features: Mapping[str, Feature], width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Random projections `[I, width]`, standardised over the items with any of the features, and which those are."""
    values, covered = np.zeros((config.items, width)), np.zeros(config.items, dtype=bool)
    for modality, feature in features.items():
        # Mean and variance from sums of values and squares, and centring after the product: a sparse matrix stays
        # sparse.
        matrix = feature.values[feature.mask].astype(np.float64)
        square = matrix.multiply(matrix) if sparse.issparse(matrix) else matrix**2
        mean, power = (np.asarray(array.mean(axis=0)).ravel() for array in (matrix, square))
        variance = power - mean**2
        # A variance from a difference of sums: below this share it is rounding noise of a constant column.
        varies = variance > 1e-10 * power
        weights = numpy_generator(config.seed, f"projection {name} {modality}").standard_normal((feature.width, width))
        # Divided by the root of the number of columns as well: a wide modality then counts no more than a narrow one.
        weights *= np.where(varies, 1 / np.sqrt(np.where(varies, variance, 1.0) * max(1, varies.sum())), 0.0)[:, None]
        values[feature.mask] += matrix @ weights - mean @ weights
        covered |= feature.mask
    spread = values[covered].std(axis=0) if covered.any() else np.zeros(width)
    if not (spread > 0).all():
        raise DataError(
            "the features do not differ between items",
            expected="a modality that differs between items",
            got=", ".join(features),
            next_step=Phrase("bring other features, or simulate a whole world without {}", Argument("dataset")),
        )
    return (values - values[covered].mean(axis=0)) / spread, covered


def _with_feedback(dataset: InteractionDataset, log: Log, description: dict[str, Any]) -> InteractionDataset:
    """The dataset with the simulated log in place of its interactions."""
    rows = np.concatenate([np.arange(len(log.user)), np.flatnonzero(log.like)])
    codes = np.repeat(np.arange(2, dtype=np.int8), [len(log.user), int(log.like.sum())])
    interactions = pd.DataFrame(
        {
            "user": log.user[rows],
            "item": log.item[rows],
            "behaviour": pd.Categorical.from_codes(codes, categories=["click", "like"]),
            "timestamp": log.timestamp[rows],
        }
    )
    return replace(
        dataset,
        name=f"{dataset.name} (simulated feedback)",
        interactions=interactions,
        feedback={"click": ("click",), "like": ("like",)},
        provenance={**dataset.provenance, "simulated": description},
    )
