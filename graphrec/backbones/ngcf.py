"""NGCF: id embeddings convolved with their element-wise affinity to the neighbours, all layers concatenated.

"Neural Graph Collaborative Filtering" (Xiang Wang et al., SIGIR 2019). With L = D^{-1/2} A D^{-1/2} and the ids E^0:

    E^{l+1} = LeakyReLU( (L E^l + E^l) W_1 + (L E^l * E^l) W_2 )                          Eq. 7
    representation = [E^0 || rownorm(E^1) || ... || rownorm(E^L)]                          Eq. 9

It uses ids alone. `with_modalities` adds modality representations.

Defaults are the paper's: three layers, concatenation, message dropout of 0.1 and no node dropout. Three details are
those of the authors' code: the slope of 0.2, which the paper does not give; the dropout on E^{l+1}, which therefore
reaches the next layer as well; and the row norms, which are in the representation only.

Deviations:
- The authors' code differs from Eq. 7. It has D^{-1} (A + I) for L, activates the two terms separately and gives each a
  bias. Here Eq. 7 holds.
- The paper's embedding size is the width of one layer, and its representation has L + 1 times as many columns. Here
  `embedding_size` is the width of the representation, as for every backbone. The paper's 64 per layer are 256 here.
- `edge_dropout`, off by default, is not in the paper (see `pruned.py`).
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
    """Settings of NGCF.

    Example:
        >>> NGCFConfig().layers, NGCFConfig().combine, NGCFConfig().message_dropout
        (3, 'concat', 0.1)
        >>> try:
        ...     NGCFConfig(embedding_size=3)
        ... except ValueError as error:
        ...     print(error.errors()[0]["msg"])
        Value error, mean, or an embedding_size of at least layers + 1 = 4 to share out, not 3
    """

    layers: int = Field(3, ge=1)
    """L, the number of message-passing steps."""
    combine: Literal["concat", "mean"] = Field("concat", validate_default=True)
    """`concat` divides the columns of the representation among the ids and the layers, as evenly as possible. A layer
    needs two columns to learn, because the row norm turns a single one into its sign. `mean` averages layers of full
    width."""
    message_dropout: float = Field(0.1, ge=0, lt=1)
    """Share of the entries of each layer's output that dropout sets to zero in training."""

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
    """NGCF (Wang et al. 2019): ids alone, convolved with their element-wise affinity to the neighbours.

    Shapes:
        user `[U, d]`, item `[I, d]`. `id` and `fused` are the same tensors.

    Example:
        >>> from graphrec.testing.small_backbone import small_representations
        >>> small_representations(NGCF, embedding_size=8, layers=1)["fused"].item.shape
        torch.Size([11, 8])
    """

    Config = NGCFConfig
    config: NGCFConfig
    modality_support = "none"
    cost = "2 L (E w + N w^2), w = d / (L + 1); with combine = mean, w = d"

    def __init__(self, config: NGCFConfig, graph: InteractionGraph, feedback_role: str, outputs: Sequence[str]) -> None:
        super().__init__(config, graph, feedback_role, outputs)
        self.layers = nn.ModuleList(_NGCFLayer(*widths) for widths in pairwise(_layer_widths(config)))

    @classmethod
    def tables(
        cls, config: BackboneConfig, graph: InteractionGraph, outputs: Sequence[str]
    ) -> dict[str, tuple[int, int]]:
        assert isinstance(config, NGCFConfig)
        return {ID: (graph.num_users + graph.num_items, _layer_widths(config)[0])}

    def forward(self, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Representations:
        propagate = self.propagator(graph)
        x = tables[ID]
        steps = [x]
        for layer in self.layers:
            # The dropped entries also reach the next layer, as in the authors' code.
            x = F.dropout(layer(x, propagate(x)), self.config.message_dropout, self.training)
            steps.append(normalize_rows(x))
        nodes = torch.cat(steps, dim=1) if self.config.combine == "concat" else torch.stack(steps).mean(0)
        pair = Representation(nodes[: graph.num_users], nodes[graph.num_users :])
        return {name: pair for name in self.outputs}


class _NGCFLayer(nn.Module):
    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.neighbours = nn.Linear(width_in, width_out, bias=False)
        self.affinity = nn.Linear(width_in, width_out, bias=False)
        for linear in (self.neighbours, self.affinity):
            nn.init.xavier_uniform_(linear.weight)

    def forward(self, x: Tensor, propagated: Tensor) -> Tensor:
        return F.leaky_relu(self.neighbours(propagated + x) + self.affinity(propagated * x), 0.2)


def _layer_widths(config: NGCFConfig) -> list[int]:
    """The number of columns of E^0 ... E^L; a remainder goes to the later layers."""
    size, blocks = config.embedding_size, config.layers + 1
    if config.combine == "mean":
        return [size] * blocks
    return [size * (block + 1) // blocks - size * block // blocks for block in range(blocks)]
