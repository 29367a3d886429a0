"""From a recipe to what it describes: the dataset as the recipe reads it, the split, the graph, the untrained model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from graphrec.checks.dataset import check
from graphrec.checks.findings import Finding
from graphrec.checks.graph import audit_graph
from graphrec.checks.leaks import audit_leaks
from graphrec.data.dataset import InteractionDataset
from graphrec.data.filters import filtered
from graphrec.data.split import Split, make_split
from graphrec.data.store import load
from graphrec.decoders import Context
from graphrec.errors import DataError, RecipeError, SplitError, UnknownNameError
from graphrec.graph.build import InteractionGraph
from graphrec.recommender import Recommender
from graphrec.runs.recipe import Recipe


def load_data(recipe: Recipe) -> InteractionDataset:
    """The dataset of a recipe, with the recipe's feedback, roles, modalities and filter.

    Raises:
        DataError: no such dataset, `check` finds an error in it, or the filter leaves nothing.
        UnknownNameError: no such behaviour or modality.

    >>> dataset = load_data(recipe)
    >>> dataset.num_items, sorted(dataset.features), dataset.roles
    (40, ['acoustic', 'textual', 'visual'], {'visual': 'content', 'acoustic': 'content', 'textual': 'exposure'})
    """
    dataset = load(Path(recipe.data.path))
    wrong = [finding for finding in check(dataset) if finding.severity == "error"]
    if wrong:
        first = wrong[0]
        raise DataError(
            f"the dataset is not fit for training: {first.message}",
            got=f"{first.count} ({first.code}), such as {first.example}",
            where=recipe.data.path,
            next_step=first.next_step or "see `graphrec check`",
        )
    dataset = dataset.with_feedback(recipe.data.feedback)
    for where, names in (
        ("data.roles", recipe.data.roles),
        ("data.modalities", recipe.data.modalities or ()),
    ):
        for name in names:
            if name not in dataset.features:
                raise UnknownNameError("modality", name, dataset.features, where=where)
    modalities = recipe.data.modalities if recipe.data.modalities is not None else tuple(dataset.features)
    roles = {name: role for name, role in (dict(dataset.roles) | recipe.data.roles).items() if name in modalities}
    dataset = replace(dataset, features={name: dataset.features[name] for name in modalities}, roles=roles)
    # The filter is last: it counts pairs of the click, and the feedback decides which these are.
    return dataset if recipe.data.filter is None else filtered(dataset, recipe.data.filter)


def prepare_split(recipe: Recipe) -> Split:
    """The split of a recipe's data, audited for leaks.

    >>> split = prepare_split(recipe)
    >>> split.hash == run.manifest["split_hash"]
    True

    Raises:
        DataError: as `load_data`.
        SplitError: it leaks, or its training data has no likes to learn from.
    """
    split = make_split(load_data(recipe), recipe.split)
    require_no_leaks(audit_leaks(split), split)
    if not len(split.train_pairs("like")):
        raise SplitError(
            "the training split has no likes",
            expected="at least one pair of " + ", ".join(split.dataset.feedback["like"]),
            got=f"{split.counts['train_clicks']} training clicks, none of them liked",
            where=f"split `{recipe.split.name}` of {recipe.data.path}",
            next_step="use a larger split.train, or other behaviours in data.feedback.like",
        )
    return split


def require_no_leaks(findings: Sequence[Finding], split: Split) -> None:
    """Refuse a split, or the graph that was made of it, in which the audits found something.

    Raises:
        SplitError: it names the first finding.

    >>> split = run.split()
    >>> require_no_leaks(audit_leaks(split), split)
    >>> leaky = replace(split, valid=split.train_pairs("click")[:5])
    >>> require_no_leaks(audit_leaks(leaky), leaky)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    graphrec.errors.SplitError: the split `chronological` leaks: valid pairs are among the training pairs
    ...
    """
    if findings:
        raise SplitError(
            f"the split `{split.config.name}` leaks: {findings[0].message}",
            expected="held-out pairs of users and items that train knows, each in a single split",
            got=f"{findings[0].count}, such as {findings[0].example}",
            where="split.name",
            next_step="fix the splitter, or use another split",
        )


def context_of(split: Split, embedding_size: int) -> Context:
    """The modalities' roles, as decoders see them.

    >>> context = context_of(run.split(), embedding_size=8)
    >>> context.exposure, context.content
    (('textual',), ('visual', 'acoustic'))
    """
    roles = split.dataset.roles
    return Context(
        exposure=tuple(name for name in split.dataset.features if roles.get(name) == "exposure"),
        content=tuple(name for name in split.dataset.features if roles.get(name, "content") == "content"),
        embedding_size=embedding_size,
        num_users=split.dataset.num_users,
        num_items=split.dataset.num_items,
        widths={name: feature.values.shape[1] for name, feature in split.dataset.features.items()},
        categorical=tuple(name for name, feature in split.dataset.features.items() if feature.is_categorical),
    )


def build(recipe: Recipe, split: Split) -> tuple[Recommender, InteractionGraph]:
    """The untrained model of a recipe and the graph that it sees.

    Raises:
        RecipeError, IdentificationError: backbone, decoder, data, device and estimands do not fit together.
        SplitError: a held-out pair is in the graph.

    >>> model, graph = build(recipe, run.split())
    >>> model.freeze(graph).num_users == graph.num_users
    True
    """
    # First, because the graph of a large dataset takes long to build.
    device = _usable(recipe.training.device)
    graph = InteractionGraph.from_split(split, recipe.data.scaling)
    require_no_leaks(audit_graph(graph, split, centred=recipe.data.scaling == "columns"), split)
    config = recipe.backbone_config()
    model = Recommender(
        recipe.backbone["name"],
        config,
        recipe.decoder["name"],
        recipe.decoder_config(),
        graph,
        context_of(split, config.embedding_size),
        recipe.seed,
    )
    # An estimand that the decoder cannot answer is refused here, not after hours of training.
    for estimand in recipe.estimands():
        estimand.identify(model.decoder.outcome)
    return (model, graph) if device == "cpu" else (model.to(device), graph.to(device))


def _usable(device: str) -> str:
    try:
        # The copy back matters: torch also makes tensors on the device `meta`, which hold no numbers.
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise RecipeError(
            f"the device `{device}` cannot be used here",
            expected="cpu" + (", or cuda" if torch.cuda.is_available() else "; torch finds no other device"),
            got=str(error).split("\n")[0][:200],
            where="training.device",
            next_step="set training.device=cpu in the recipe, or see `graphrec doctor`",
        ) from None
    return device
