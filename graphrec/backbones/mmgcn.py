"""MMGCN: message passing over one graph per modality, with id embeddings in every layer.

"MMGCN: Multi-modal Graph Convolution Network for Personalized Recommendation of Micro-video" (Yinwei Wei et al., ACM MM
2019). For each modality m, with item features X_m, user preferences P_m and id embeddings E:

    F_m = mask * (X_m W_p + b_p)                    the projection is optional
    H^0 = rownorm([P_m ; F_m])
    h   = LeakyReLU(mean over neighbours of (H W_1))          Eq. 1; CR adds a bias and an L2 normalisation
    g   = LeakyReLU(H W_2 + b_2) + E                          Eq. 5
    H   = LeakyReLU([h || g] W_3 + b_3)                       combine = "concat"
       or LeakyReLU((h W_3 + b_3) + g)                        combine = "elementwise"

The representation of m is the last H. `fused` is the mean over modalities; the paper has their sum, with the same
ranking. `id` is the output of the same layers on E alone.

Deviations:
- An item without modality m starts at zero and receives m from its neighbours only. Published code takes the zeros of a
  missing row for data.
- Features come scaled by column (`data.scaling = "none"` takes them as given, as published code does).
- The published penalty on E and on the visual P of a batch is replaced by `training.weight_decay` or
  `training.decay = "rows"`.
- Of the paper's aggregators there is the mean, which is its default.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal

import torch
import torch.nn.functional as F
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor, nn

from graphrec.backbones.base import (
    FUSED,
    ID,
    Backbone,
    BackboneConfig,
    Representation,
    Representations,
    backbones,
    fuse,
)
from graphrec.backbones.row_norm import normalize_rows
from graphrec.errors import UnknownNameError
from graphrec.graph.build import InteractionGraph

_SETTINGS: dict[str, dict[str, Any]] = {
    "paper": {
        "layers": 2,
        "combine": "elementwise",
        "projection": None,
        "self_loops": False,
        "convolution_bias": False,
        "normalize": False,
    },
    "official": {
        "layers": 3,
        "combine": "concat",
        "projection": {"visual": 256},
        "self_loops": False,
        "convolution_bias": False,
        "normalize": False,
    },
    "cr": {
        "layers": 2,
        "combine": "elementwise",
        "projection": 128,
        "self_loops": True,
        "convolution_bias": True,
        "normalize": True,
    },
}


class MMGCNConfig(BackboneConfig):
    """Settings of MMGCN. `setting` is the default of all other fields.

    All three published codes leave the embeddings untrained by mistake. `trainable_embeddings = false` reproduces that.

    Example:
        >>> MMGCNConfig().combine, MMGCNConfig(setting="official").combine
        ('elementwise', 'concat')
        >>> MMGCNConfig(setting="official").layers, MMGCNConfig(setting="official", layers=2).layers
        (3, 2)
    """

    setting: Literal["paper", "official", "cr"] = "cr"
    """Which published version the defaults are taken from.

    - `paper`: two layers, element-wise combination, raw feature widths (Wei et al. 2019 and its README).
    - `official`: the settings that the released code runs, whatever its options: three layers, concatenation, visual
      features projected to 256.
    - `cr`: the copy in the code of "Clicks can be Cheating" (Wang et al., SIGIR 2021), which HCR follows: two layers,
      element-wise combination, every modality projected to 128, self loops, bias and L2-normalised convolutions."""
    combine: Literal["concat", "elementwise"] = "elementwise"
    """How the messages h and the node's own g are combined: concatenated or added."""
    projection: PositiveInt | dict[str, PositiveInt] | None = 128
    """Width to which features are projected before the first layer: one number for all modalities, a number by
    modality, or none."""
    word_size: int = Field(128, ge=1)
    """Width of the learned embeddings of words and categories (bag modalities)."""
    self_loops: bool = True
    """Whether each node is also its own neighbour."""
    convolution_bias: bool = True
    """Whether a bias is added to the messages."""
    normalize: bool = True
    """Whether the messages of each layer are L2-normalised."""

    @model_validator(mode="before")
    @classmethod
    def _fill_from_setting(cls, values: Any) -> Any:
        name = values.get("setting", "cr") if isinstance(values, dict) else None
        return {**_SETTINGS[name], **values} if isinstance(name, str) and name in _SETTINGS else values


@backbones.register("mmgcn")
class MMGCN(Backbone):
    """MMGCN (Wei et al. 2019): per-modality message passing with id embeddings in every layer.

    Shapes:
        user `[U, d]`, item `[I, d]`, for `id`, `fused` and each modality.

    Example:
        >>> from graphrec.testing.small_backbone import small_representations
        >>> representations = small_representations(MMGCN, ("fused", "title"), embedding_size=8, setting="paper")
        >>> representations["title"].user.shape, representations["fused"].item.shape
        (torch.Size([7, 8]), torch.Size([11, 8]))
    """

    Config = MMGCNConfig
    config: MMGCNConfig
    cost = "M (I D P + 2 E P + N P^2 + 2 N P d) + M (L - 1) (2 E d + 3 N d^2)"

    def __init__(
        self, config: MMGCNConfig, graph: InteractionGraph, feedback_role: str, outputs: Sequence[str]
    ) -> None:
        super().__init__(config, graph, feedback_role, outputs)
        widths = config.projection if isinstance(config.projection, dict) else {}
        # The widths of a setting may name a modality that this dataset lacks; those that a user writes may not.
        if widths != _SETTINGS[config.setting]["projection"]:
            for modality in widths:
                if modality not in graph.modalities:
                    raise UnknownNameError("modality", modality, graph.modalities, where="backbone.projection")
        self.stacks = nn.ModuleDict({m: _ModalityStack(config, graph, m) for m in _stack_names(graph, outputs)})

    @classmethod
    def tables(
        cls, config: BackboneConfig, graph: InteractionGraph, outputs: Sequence[str]
    ) -> dict[str, tuple[int, int]]:
        assert isinstance(config, MMGCNConfig)
        shapes = {ID: (graph.num_users + graph.num_items, config.embedding_size)}
        for m in _stack_names(graph, outputs):
            if m == ID:
                continue
            shapes[f"preference_{m}"] = (graph.num_users, _start_width(config, graph, m))
            if graph.is_bag(m):
                shapes[f"words_{m}"] = (graph.width(m), config.word_size)
        return shapes

    def forward(self, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Representations:
        propagate = graph.propagator(self.feedback_role, "mean", self_loops=self.config.self_loops)
        nodes = {m: stack(graph, propagate, tables) for m, stack in self.stacks.items()}
        representations = {m: Representation(x[: graph.num_users], x[graph.num_users :]) for m, x in nodes.items()}
        if FUSED in self.outputs:
            representations[FUSED] = fuse([representations[m] for m in graph.modalities or (ID,)])
        return {name: representations[name] for name in self.outputs}


class _ModalityStack(nn.Module):
    """The layers of one modality."""

    def __init__(self, config: MMGCNConfig, graph: InteractionGraph, modality: str) -> None:
        super().__init__()
        self.modality = modality
        self.projection: nn.Module = nn.Identity()
        start = config.embedding_size
        if modality != ID:
            raw = config.word_size if graph.is_bag(modality) else graph.width(modality)
            start = _start_width(config, graph, modality)
            if _projected_width(config, modality) is not None:
                self.projection = nn.Linear(raw, start)
        widths = [start] + [config.embedding_size] * config.layers
        self.layers = nn.ModuleList(
            _MMGCNLayer(config, width_in, width_out, first=number == 0)
            for number, (width_in, width_out) in enumerate(pairwise(widths))
        )

    def forward(self, graph: InteractionGraph, propagate, tables: Mapping[str, Tensor]) -> Tensor:
        ids = tables[ID]
        x = normalize_rows(ids if self.modality == ID else self._start(graph, tables))
        for layer in self.layers:
            x = layer(x, ids, propagate)
        return x

    def _start(self, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Tensor:
        m = self.modality
        if graph.is_bag(m):
            features = self.projection(graph.project(m, tables[f"words_{m}"]))
        elif isinstance(self.projection, nn.Linear):
            features = graph.project(m, self.projection.weight.T) + self.projection.bias
        else:
            features = graph.features(m).to(tables[ID].dtype)
        # After the projection: its bias would otherwise give features to an item without the modality.
        features = features * graph.mask(m).unsqueeze(1)
        return torch.cat([tables[f"preference_{m}"], features])


class _MMGCNLayer(nn.Module):
    def __init__(self, config: MMGCNConfig, width_in: int, width_out: int, *, first: bool) -> None:
        super().__init__()
        self.normalize, self.concat = config.normalize, config.combine == "concat"
        self.message = nn.Linear(width_in, width_in, bias=False)
        self.message_bias = nn.Parameter(torch.zeros(width_in)) if config.convolution_bias else None
        self.own = nn.Linear(width_in, width_out)  # W_2; saved weights have the name `own`
        self.combine = nn.Linear(width_in + width_out if self.concat else width_in, width_out)
        # As the released code initialises them: from the second layer on, W_3 keeps PyTorch's default.
        for linear in (self.message, self.own, *([self.combine] if first else [])):
            nn.init.xavier_normal_(linear.weight)

    def forward(self, x: Tensor, ids: Tensor, propagate) -> Tensor:
        h = propagate(self.message(x))
        if self.message_bias is not None:
            h = h + self.message_bias
        if self.normalize:
            h = normalize_rows(h)
        h = F.leaky_relu(h)  # not in place: the backward pass of the normalisation reads its result
        # In place: the backward pass of a linear layer does not read its output, and a table of [N, d] is saved.
        g = F.leaky_relu(self.own(x), inplace=True) + ids
        if self.concat:
            return F.leaky_relu(self.combine(torch.cat([h, g], dim=1)), inplace=True)
        return F.leaky_relu(self.combine(h) + g, inplace=True)


def _stack_names(graph: InteractionGraph, outputs: Sequence[str]) -> list[str]:
    needed = set(outputs)
    if FUSED in needed:
        needed |= set(graph.modalities or (ID,))
    return [m for m in (*graph.modalities, ID) if m in needed]


def _projected_width(config: MMGCNConfig, modality: str) -> int | None:
    if isinstance(config.projection, dict):
        return config.projection.get(modality)
    return config.projection


def _start_width(config: MMGCNConfig, graph: InteractionGraph, modality: str) -> int:
    raw = config.word_size if graph.is_bag(modality) else graph.width(modality)
    projected = _projected_width(config, modality)
    return raw if projected is None else projected
