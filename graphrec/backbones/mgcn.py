"""MGCN: Multi-View Graph Convolutional Network for Multimedia Recommendation (Yu et al., ACM MM 2023).

For each modality m, with the item graph S_m of the cosine similarities of the nearest items, symmetrically normalised:

    purifier  P_m  = E_items o s(G_m (X_m W_m + b_m) + g_m)
    view      V_m  = [R S_m P_m ; S_m P_m]
    common    V    = sum_m a_m V_m,    a = softmax over m of q . tanh(Q V_m + b)
    side      Z    = (V + sum_m s(H_m C + h_m) o (V_m - V)) / (M + 1)

For C, R, the outputs and the contrast see `side_view.py`. Defaults are the published ones: two layers, ten neighbours,
one item layer, temperature 0.2; the contrast's weight was chosen among 0.001, 0.01 and 0.1.

Deviations:
- M modalities: the paper has two, and 3 in place of M + 1. With one, V_m is the common part and the side is V / 2.
- An item without m has no neighbours in S_m, and m plays no part in its a and in its sum.
- The published code trains the raw features, too; here `trainable_features = true` does. It builds S_m of features as
  given and keeps negative cosines; here they come scaled by column (`data.scaling = "none"` takes them as given), and a
  negative cosine counts as zero.
- The published penalty on a batch's rows and its learning rate, which falls by 4 % every 50 epochs, are left out;
  `training.weight_decay` and `training.decay = "rows"` penalise tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from pydantic import Field
from torch import Tensor, nn

from graphrec.backbones.base import FUSED, backbones
from graphrec.backbones.side_view import SideView, SideViewConfig
from graphrec.graph.build import InteractionGraph


class MGCNConfig(SideViewConfig):
    neighbours: int = Field(10, ge=1)
    """Nearest items of each item, itself among them."""


@backbones.register("mgcn")
class MGCN(SideView):
    """MGCN (Yu et al. 2023): LightGCN plus ids gated by features over item graphs, common and specific parts."""

    Config = MGCNConfig
    config: MGCNConfig
    cost = "2 L E d + M (I D d + I d^2 + I K d + E d + 2 N d^2)"

    def __init__(self, config: MGCNConfig, graph: InteractionGraph, role: str, outputs: Sequence[str]) -> None:
        super().__init__(config, graph, role, outputs)
        size = config.embedding_size
        self.gates = nn.ModuleDict({m: nn.Linear(size, size) for m in self.modalities})
        if FUSED in outputs and len(self.modalities) > 1:
            self.query = nn.Sequential(nn.Linear(size, size), nn.Tanh(), nn.Linear(size, 1, bias=False))
            self.preferences = nn.ModuleDict({m: nn.Linear(size, size) for m in self.modalities})

    def view(self, graph: InteractionGraph, items: Tensor, modality: str, features: Tensor) -> Tensor:
        purified = items * self.gates[modality](features).sigmoid() * graph.mask(modality).unsqueeze(1)
        return self.over(graph, self.item_graphs(graph, modality, self.config.neighbours), purified)

    def side(
        self,
        graph: InteractionGraph,
        items: Tensor,
        content: Tensor,
        projected: Mapping[str, Tensor],
        views: Mapping[str, Tensor],
    ) -> Tensor:
        if len(views) == 1:
            return next(iter(views.values())) / 2
        everyone = torch.ones(graph.num_users, dtype=torch.bool, device=content.device)
        known = torch.stack([torch.cat([everyone, graph.mask(m)]) for m in views], dim=1)
        scores = torch.cat([self.query(view) for view in views.values()], dim=1)
        weights = scores.masked_fill(~known, torch.finfo(scores.dtype).min).softmax(1) * known
        common = total = torch.stack([weights[:, [k]] * view for k, view in enumerate(views.values())]).sum(0)
        for k, (m, view) in enumerate(views.items()):
            total = total + self.preferences[m](content).sigmoid() * (view - common) * known[:, [k]]
        return total / (len(views) + 1)
