"""InfoNCE, the contrastive loss (van den Oord et al. 2018) that several backbones train beside the decoder's."""

from __future__ import annotations

from torch import Tensor

from graphrec.backbones.row_norm import normalize_rows


def info_nce(anchors: Tensor, positives: Tensor, temperature: float, among: Tensor | None = None) -> Tensor:
    """How well each anchor is told from all others by its own positive; a mean over the anchors.

        -log( exp(cos(a_b, p_b) / t) / sum_n exp(cos(a_b, n) / t) )

    A zero row has no direction: it is the view of an item that lacks the modality, and takes no part.

    Args:
        anchors, positives: `[B, d]`.
        temperature: t.
        among: `[N, d]`, what the sum runs over, the positives among them; without it the positives of the batch.
    """
    among = positives if among is None else among
    known = _nonzero(anchors) & _nonzero(positives)
    anchors, positives = normalize_rows(anchors[known]), normalize_rows(positives[known])
    among = normalize_rows(among[_nonzero(among)])
    own = (anchors * positives).sum(1) / temperature
    everyone = (anchors @ among.T / temperature).logsumexp(1)
    return (everyone - own).sum() / max(len(own), 1)


def _nonzero(rows: Tensor) -> Tensor:
    return rows.detach().ne(0).any(1)
