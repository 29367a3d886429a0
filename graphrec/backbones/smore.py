"""SMORE: as MGCN, with the features filtered and fused in the frequency domain, and a fused item graph.

"Spectrum-based Modality Representation Fusion Graph Convolutional Network for Multimodal Recommendation" (Rongqing
Kenneth Ong and Andy W. H. Khong, WSDM 2025). With F_m = X_m W_m + b_m, its spectrum F~_m along the d entries
(orthonormal real Fourier transform) and learned complex filters w:

    denoised  D_m  = inverse transform of w_m o F~_m
    fused     D_f  = inverse transform of w_f o F~_1 o ... o F~_M
    purifier  P_k  = E_items o s(G_k D_k + g_k)                                     k: each modality, and f
    view      V_k  = [R S_k P_k ; S_k P_k]                                          S_f: entrywise maximum of all S_m
    side      Z    = mean over k of  s(H_k C + h_k) o B_k
              B_f  = V_f,   B_m = softmax over the d entries of (T_m tanh(Q_m V_f + q_m)), o V_m

For C, R, the outputs and the contrastive loss see `side_view.py`. Defaults are those for Amazon Sports: three layers
and ten neighbours. Baby has four layers, 40 visual and 15 textual neighbours; Clothing has three layers, 40 and 10.
There is no dropout on the gates of the side (Baby: 0.1). The weight of the contrastive loss is 0.01 (Sports: 0.03) and
the temperature 0.2.

Deviations:
- M modalities: the paper has two, so that its fused spectrum is a product of two and its side a mean of three.
- An item without m has no neighbours in S_m, and its fused spectrum is the product over the modalities that it has.
- The published code trains the raw features, too; here `trainable_features = true` does.
- The published code builds S_m from features as given and keeps negative cosines. Here features come scaled by column
  (`data.scaling = "none"` takes them as given), and a negative cosine counts as zero.
- The published penalty is on the propagated rows of a batch. Here `training.weight_decay` or
  `training.decay = "rows"` penalises tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from graphrec.backbones.base import FUSED, backbones
from graphrec.backbones.side_view import SideView, SideViewConfig
from graphrec.errors import UnknownNameError
from graphrec.graph.build import InteractionGraph


class SMOREConfig(SideViewConfig):
    """Settings of SMORE. The defaults are those published for Amazon's Sports, but for `contrast_weight`.

    Example:
        >>> baby = SMOREConfig(layers=4, neighbours={"visual": 40, "textual": 15}, dropout=0.1)
        >>> baby.neighbours["visual"], baby.contrast_weight
        (40, 0.01)
    """

    layers: int = Field(3, ge=1)
    """L, propagation steps over the interaction graph."""
    neighbours: PositiveInt | dict[str, PositiveInt] = 10
    """Number of nearest items of each item, itself included: one number, or a number by modality (by default 10)."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Share of the entries of the side's gates that dropout sets to zero in training."""


@backbones.register("smore")
class SMORE(SideView):
    """SMORE (Ong and Khong 2025): as MGCN, the features filtered and fused in the spectrum, with a fused item graph.

    Shapes:
        user `[U, d]`, item `[I, d]`, for `id`, `fused` and each modality.

    Raises:
        UnknownNameError: `neighbours` names no modality of the dataset.

    Example:
        >>> from graphrec.testing.small_backbone import small_representations
        >>> small_representations(SMORE, embedding_size=8, neighbours={"visual": 3})["fused"].item.shape
        torch.Size([11, 8])
    """

    Config = SMOREConfig
    config: SMOREConfig
    cost = "2 L E d + M (I D d + 2 N d^2) + (M + 1) (I d^2 + E d + N d^2) + 2 M I K d"

    def __init__(
        self, config: SMOREConfig, graph: InteractionGraph, feedback_role: str, outputs: Sequence[str]
    ) -> None:
        super().__init__(config, graph, feedback_role, outputs)
        self.counts = _neighbour_counts(config, graph)
        size = config.embedding_size
        kinds = (*self.modalities, FUSED) if FUSED in outputs else self.modalities
        self.filters = nn.ParameterDict({k: nn.Parameter(torch.randn(size // 2 + 1, 2)) for k in kinds})
        self.gates = nn.ModuleDict({k: nn.Linear(size, size) for k in kinds})
        if FUSED in outputs:
            self.queries = nn.ModuleDict({m: _query(size) for m in self.modalities})
            self.preferences = nn.ModuleDict({k: nn.Linear(size, size) for k in kinds})

    def view(self, graph: InteractionGraph, items: Tensor, modality: str, features: Tensor) -> Tensor:
        purified = self._purified(modality, items, _spectrum(features), graph.mask(modality))
        return self.propagate_view(graph, self.item_graphs(graph, modality, self.counts[modality]), purified)

    def side(
        self,
        graph: InteractionGraph,
        items: Tensor,
        content: Tensor,
        projected: Mapping[str, Tensor],
        views: Mapping[str, Tensor],
    ) -> Tensor:
        masks = {m: graph.mask(m) for m in projected}
        # The spectrum of an item without the modality is zero; 1 in its place leaves the product to the others.
        spectra = [torch.where(masks[m].unsqueeze(1), _spectrum(features), 1.0) for m, features in projected.items()]
        product = torch.stack(spectra).prod(0)
        purified = self._purified(FUSED, items, product, torch.stack(list(masks.values())).any(0))
        fused = self.propagate_view(
            graph, self.item_graphs.maximum(graph, {m: self.counts[m] for m in views}), purified
        )
        weighted = {m: self.queries[m](fused).softmax(1) * view for m, view in views.items()} | {FUSED: fused}
        gated = [self._preference_gate(k, content) * view for k, view in weighted.items()]
        return torch.stack(gated).mean(0)

    def _purified(self, kind: str, items: Tensor, spectrum: Tensor, mask: Tensor) -> Tensor:
        filtered = spectrum * torch.view_as_complex(self.filters[kind])
        denoised = torch.fft.irfft(filtered, n=items.shape[1], dim=1, norm="ortho")
        return items * self.gates[kind](denoised).sigmoid() * mask.unsqueeze(1)

    def _preference_gate(self, kind: str, content: Tensor) -> Tensor:
        return F.dropout(self.preferences[kind](content).sigmoid(), self.config.dropout, self.training)


def _spectrum(features: Tensor) -> Tensor:
    """`[I, d] -> [I, d // 2 + 1]` complex."""
    return torch.fft.rfft(features, dim=1, norm="ortho")


def _query(size: int) -> nn.Module:
    return nn.Sequential(nn.Linear(size, size), nn.Tanh(), nn.Linear(size, size, bias=False))


def _neighbour_counts(config: SMOREConfig, graph: InteractionGraph) -> dict[str, int]:
    """Number of neighbours by modality.

    Raises:
        UnknownNameError: a name is no modality of the dataset.
    """
    counts = config.neighbours
    if not isinstance(counts, dict):
        return dict.fromkeys(graph.modalities, counts)
    for modality in counts:
        if modality not in graph.modalities:
            raise UnknownNameError("modality", modality, graph.modalities, where="backbone.neighbours")
    return {m: counts.get(m, 10) for m in graph.modalities}
