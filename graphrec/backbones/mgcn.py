"""MGCN: LightGCN plus ids gated by features over item graphs, with common and modality-specific terms.

"Multi-View Graph Convolutional Network for Multimedia Recommendation" (Penghang Yu et al., ACM MM 2023). For each
modality m, with the symmetric normalised item graph S_m of the cosine similarities to the nearest items:

    purifier  P_m  = E_items o s(G_m (X_m W_m + b_m) + g_m)
    view      V_m  = [R S_m P_m ; S_m P_m]
    common    V    = sum_m a_m V_m,    a = softmax over m of q . tanh(Q V_m + b)
    side      Z    = (V + sum_m s(H_m C + h_m) o (V_m - V)) / (M + 1)

For C, R, the outputs and the contrastive loss see `side_view.py`. Defaults are the published ones: two layers, ten
neighbours, one item layer, temperature 0.2. The weight of the contrastive loss was chosen among 0.001, 0.01 and 0.1.

Deviations:
- M modalities: the paper has two, and 3 in place of M + 1. With one modality V_m is the common term and the side is
  V / 2.
- An item without m has no neighbours in S_m, and m is left out of its a and of its sum.
- The published code trains the raw features, too; here `trainable_features = true` does.
- The published code builds S_m from features as given and keeps negative cosines. Here features come scaled by column
  (`data.scaling = "none"` takes them as given), and a negative cosine counts as zero.
- The published penalty on a batch's rows is replaced by `training.weight_decay` and `training.decay = "rows"`, which
  penalise tables. Its learning rate, which falls by 4 % every 50 epochs, is constant here.
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
    """Settings of MGCN.

    Example:
        >>> MGCNConfig().neighbours, MGCNConfig().contrast_weight, MGCNConfig().temperature
        (10, 0.01, 0.2)
    """

    neighbours: int = Field(10, ge=1)
    """Number of nearest items of each item, itself included."""


@backbones.register("mgcn")
class MGCN(SideView):
    """MGCN (Yu et al. 2023): LightGCN plus ids gated by features over item graphs, common and specific terms.

    Shapes:
        user `[U, d]`, item `[I, d]`, for `id`, `fused` and each modality.

    Example:
        >>> from graphrec.testing.small_backbone import small_representations
        >>> small_representations(MGCN, embedding_size=8, neighbours=3)["fused"].item.shape
        torch.Size([11, 8])
    """

    Config = MGCNConfig
    config: MGCNConfig
    cost = "2 L E d + M (I D d + I d^2 + I K d + E d + 2 N d^2)"

    def __init__(self, config: MGCNConfig, graph: InteractionGraph, feedback_role: str, outputs: Sequence[str]) -> None:
        super().__init__(config, graph, feedback_role, outputs)
        size = config.embedding_size
        self.gates = nn.ModuleDict({m: nn.Linear(size, size) for m in self.modalities})
        if FUSED in outputs and len(self.modalities) > 1:
            self.query = nn.Sequential(nn.Linear(size, size), nn.Tanh(), nn.Linear(size, 1, bias=False))
            self.preferences = nn.ModuleDict({m: nn.Linear(size, size) for m in self.modalities})

    def view(self, graph: InteractionGraph, items: Tensor, modality: str, features: Tensor) -> Tensor:
        purified = items * self.gates[modality](features).sigmoid() * graph.mask(modality).unsqueeze(1)
        return self.propagate_view(graph, self.item_graphs(graph, modality, self.config.neighbours), purified)

    def side(
        self,
        graph: InteractionGraph,
        items: Tensor,
        content: Tensor,
        projected: Mapping[str, Tensor],
        views: Mapping[str, Tensor],
    ) -> Tensor:
        if len(views) == 1:
            # The only view is the common term, and its difference from the common term is zero.
            return next(iter(views.values())) / 2
        everyone = torch.ones(graph.num_users, dtype=torch.bool, device=content.device)
        mask = torch.stack([torch.cat([everyone, graph.mask(m)]) for m in views], dim=1)
        scores = torch.cat([self.query(view) for view in views.values()], dim=1)
        # The lowest finite number and not minus infinity, whose softmax is nan for an item without any modality; the
        # factor `mask` then makes the uniform weights of such an item zero.
        weights = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(1) * mask
        common = total = torch.stack([weights[:, [k]] * view for k, view in enumerate(views.values())]).sum(0)
        for k, (m, view) in enumerate(views.items()):
            total = total + self.preferences[m](content).sigmoid() * (view - common) * mask[:, [k]]
        return total / (len(views) + 1)
