"""InfoNCE, the contrastive loss (van den Oord et al. 2018) that several backbones train beside the decoder's."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from graphrec.backbones.row_norm import normalize_rows

BLOCK = 2**20
"""About how many logits are held at a time."""


def info_nce(
    anchors: Tensor,
    positives: Tensor,
    temperature: float,
    among: Tensor | None = None,
    counts: Tensor | None = None,
) -> Tensor:
    """How well each anchor is told from all others by its own positive; a mean over the anchors.

        -log( exp(cos(a_b, p_b) / t) / sum_n exp(cos(a_b, n) / t) )

    A zero row has no direction: it is the view of an item that lacks the modality, and takes no part.

    Args:
        anchors, positives: `[B, d]`.
        temperature: t.
        among: `[N, d]`, what the sum runs over, the positives among them; without it the positives of the batch.
        counts: `[B]` how often each pair of rows stands in the batch; once by default. A batch without its repetitions
            and their counts cost the same and take the square of its share less time.
    """
    if counts is None:
        counts = torch.ones(len(anchors), dtype=torch.int64, device=anchors.device)
    times = counts if among is None else counts.new_ones(len(among))
    among = positives if among is None else among
    known, there = _nonzero(anchors) & _nonzero(positives), _nonzero(among)
    anchors, positives = normalize_rows(anchors[known]), normalize_rows(positives[known])
    weights = counts[known].to(anchors.dtype)
    own = weights @ (anchors * positives).sum(1) / temperature
    among, times = normalize_rows(among[there]), times[there].to(anchors.dtype)
    everyone = _LogSums.apply(anchors, among, weights, times, temperature)
    return (everyone - own) / weights.sum().clamp(min=1)


class _LogSums(Function):
    """sum_b w_b log sum_n c_n exp(a_b . m_n / t), a block of anchors at a time.

    The gradients of a block are taken from its exponentials while they are at hand, so that no `[B, N]` numbers are
    kept, and none made twice. Base two and gradients that lie `[d, N]` are what the CPU's kernels are fast at.
    """

    @staticmethod
    def forward(ctx, anchors: Tensor, among: Tensor, weights: Tensor, times: Tensor, temperature: float) -> Tensor:
        scaled, repeated = anchors / (temperature * math.log(2)), (among * times.unsqueeze(1)).T.contiguous()
        logs, to_anchors, to_among = torch.empty_like(weights), torch.zeros_like(anchors), torch.zeros_like(repeated)
        size = max(16, BLOCK // max(len(among), 1))
        buffer = anchors.new_empty(min(size, len(anchors)), len(among))
        wanted = any(ctx.needs_input_grad)
        for start in range(0, len(anchors), size):
            rows = slice(start, start + size)
            logits = torch.mm(scaled[rows], among.T, out=buffer[: len(scaled[rows])])
            top = logits.amax(1, keepdim=True)
            powers = logits.sub_(top).exp2_()
            sums = powers @ times
            logs[rows] = sums.log() + math.log(2) * top.squeeze(1)
            if wanted:
                share = (weights[rows] / sums / temperature).unsqueeze(1)
                torch.mul((repeated @ powers.T).T, share, out=to_anchors[rows])
                to_among.addmm_((anchors[rows] * share).T, powers)
        ctx.save_for_backward(to_anchors, to_among.mul_(times).T)
        return weights @ logs

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        to_anchors, to_among = ctx.saved_tensors
        return gradient * to_anchors, gradient * to_among, None, None, None


def _nonzero(rows: Tensor) -> Tensor:
    return rows.detach().ne(0).any(1)
