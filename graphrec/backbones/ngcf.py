"""NGCF: Neural Graph Collaborative Filtering (Wang et al., SIGIR 2019).

With L = D^{-1/2} A D^{-1/2} and the ids E^0:

    E^{l+1} = LeakyReLU( (L E^l + E^l) W_1 + (L E^l * E^l) W_2 )                          Eq. 7
    representation = [E^0 || rownorm(E^1) || ... || rownorm(E^L)]                          Eq. 9

It knows ids alone; modality representations come from `with_modalities`.

Defaults are the paper's: three layers, concatenation, message dropout of 0.1, no node dropout; the slope of 0.2 is that
of the authors' code, which the paper leaves open. In training the dropout falls on E^{l+1}, whence it reaches the next
layer as well; the row norms, of which the paper does not speak, are in the representation only: both as in that code.
Beyond the paper is `edge_dropout`, off by default (see `pruned.py`).

Deviations from the code, which differs from its paper: it takes D^{-1} (A + I) for L, activates the two terms apart and
gives each a bias; here Eq. 7 holds. The paper's `embedding_size` is the width of one layer and its representation has
L + 1 times as many columns; here it is the representation's, as for every backbone, so that its 64 a layer are 256.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field, ValidationInfo, field_validator
from torch import Tensor, nn

from graphrec.backbones.base import ID, BackboneConfig, Representation, Representations, backbones
from graphrec.backbones.pruned import EdgeDropout, EdgeDropoutConfig
from graphrec.backbones.row_norm import normalize_rows
from graphrec.graph.build import InteractionGraph


class NGCFConfig(EdgeDropoutConfig):
    """Settings of NGCF."""

    layers: int = Field(3, ge=1)
    """L, steps of message passing."""
    combine: Literal["concat", "mean"] = Field("concat", validate_default=True)
    """`concat` shares the columns of the representation out among the ids and the layers, as evenly as whole numbers
    allow; a layer needs two to learn, as the norm makes of one a mere sign. `mean` averages layers of full width."""
    message_dropout: float = Field(0.1, ge=0, lt=1)
    """Share of each layer's outputs that is zeroed in training."""

    @field_validator("combine")
    @classmethod
    def _has_a_column_for_each_layer(cls, combine: str, info: ValidationInfo) -> str:
        size, layers = info.data.get("embedding_size"), info.data.get("layers")
        if combine == "concat" and size is not None and layers is not None and size <= layers:
            raise ValueError(
                f"mean, or an embedding_size of at least layers + 1 = {layers + 1} to share out, not {size}"
            )
        return combine


@backbones.register("ngcf")
class NGCF(EdgeDropout):
    """NGCF (Wang et al. 2019): ids alone, convolved with their element-wise affinity to the neighbours."""

    Config = NGCFConfig
    config: NGCFConfig
    modality_support = "none"
    cost = "2 L (E w + N w^2), w = d / (L + 1); with combine = mean, w = d"

    def __init__(self, config: NGCFConfig, graph: InteractionGraph, role: str, outputs: Sequence[str]) -> None:
        super().__init__(config, graph, role, outputs)
        self.layers = nn.ModuleList(_Layer(*pair) for pair in pairwise(_widths(config)))

    @classmethod
    def tables(
        cls, config: BackboneConfig, graph: InteractionGraph, outputs: Sequence[str]
    ) -> dict[str, tuple[int, int]]:
        assert isinstance(config, NGCFConfig)
        return {ID: (graph.num_users + graph.num_items, _widths(config)[0])}

    def forward(self, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Representations:
        propagate = self.propagator(graph)
        x = tables[ID]
        steps = [x]
        for layer in self.layers:
            x = F.dropout(layer(x, propagate(x)), self.config.message_dropout, self.training)
            steps.append(normalize_rows(x))
        whole = torch.cat(steps, dim=1) if self.config.combine == "concat" else torch.stack(steps).mean(0)
        pair = Representation(whole[: graph.num_users], whole[graph.num_users :])
        return {name: pair for name in self.outputs}


class _Layer(nn.Module):
    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.neighbours = nn.Linear(width_in, width_out, bias=False)
        self.affinity = nn.Linear(width_in, width_out, bias=False)
        for linear in (self.neighbours, self.affinity):
            nn.init.xavier_uniform_(linear.weight)

    def forward(self, x: Tensor, near: Tensor) -> Tensor:
        return F.leaky_relu(self.neighbours(near + x) + self.affinity(near * x), 0.2)


def _widths(config: NGCFConfig) -> list[int]:
    """Columns of E^0 ... E^L; the later ones take what does not divide."""
    size, parts = config.embedding_size, config.layers + 1
    if config.combine == "mean":
        return [size] * parts
    return [size * (part + 1) // parts - size * part // parts for part in range(parts)]
