"""InfoNCE, the contrastive loss of several backbones.

"Representation Learning with Contrastive Predictive Coding" (van den Oord, Li and Vinyals, 2018), Eq. 4.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from graphrec.backbones.row_norm import normalize_rows

BLOCK = 2**20
"""The number of logits that are held at a time, approximately."""


def info_nce(
    anchors: Tensor,
    positives: Tensor,
    temperature: float,
    candidates: Tensor | None = None,
    counts: Tensor | None = None,
) -> Tensor:
    """InfoNCE with cosine similarities, a mean over the anchors:

        -log( exp(cos(a_b, p_b) / t) / sum_n exp(cos(a_b, c_n) / t) )

    A zero row has no direction. It is the view of an item that lacks the modality, and is left out.

    Args:
        anchors: `[B, d]`.
        positives: `[B, d]`.
        temperature: t.
        candidates: `[N, d]` the c_n, with the positives among them. By default the positives of the batch.
        counts: `[B]` how often each row occurs in the batch, once by default. A batch of unique rows with their counts
            has the same loss as the whole batch. Its time is that of the whole batch times the squared share of rows
            that are unique.

    Returns:
        A scalar.

    Example:
        >>> views = torch.eye(4)
        >>> bool(info_nce(views, views, temperature=0.2) < info_nce(views, views.flip(0), temperature=0.2))
        True
    """
    if counts is None:
        counts = torch.ones(len(anchors), dtype=torch.int64, device=anchors.device)
    candidate_counts = counts if candidates is None else counts.new_ones(len(candidates))
    candidates = positives if candidates is None else candidates
    valid, valid_candidate = _nonzero(anchors) & _nonzero(positives), _nonzero(candidates)
    anchors, positives = normalize_rows(anchors[valid]), normalize_rows(positives[valid])
    weights = counts[valid].to(anchors.dtype)
    positive_logits = weights @ (anchors * positives).sum(1) / temperature
    candidates = normalize_rows(candidates[valid_candidate])
    candidate_counts = candidate_counts[valid_candidate].to(anchors.dtype)
    log_sums = _LogSums.apply(anchors, candidates, weights, candidate_counts, temperature)
    return (log_sums - positive_logits) / weights.sum().clamp(min=1)


class _LogSums(Function):
    """sum_b w_b log sum_n k_n exp(a_b . c_n / t), for one block of anchors at a time; k_n are the candidates' counts.

    The gradients of a block are computed in the forward pass, while its exponentials are in memory. So no `[B, N]`
    numbers are stored, and none are computed twice.
    """

    @staticmethod
    def forward(
        ctx, anchors: Tensor, candidates: Tensor, weights: Tensor, candidate_counts: Tensor, temperature: float
    ) -> Tensor:
        # exp2 and a gradient buffer of shape [d, N] are what the CPU's kernels compute fastest.
        scaled = anchors / (temperature * math.log(2))
        counted = (candidates * candidate_counts.unsqueeze(1)).T.contiguous()
        log_sums, to_anchors, to_candidates = (
            torch.empty_like(weights),
            torch.zeros_like(anchors),
            torch.zeros_like(counted),
        )
        size = max(16, BLOCK // max(len(candidates), 1))
        buffer = anchors.new_empty(min(size, len(anchors)), len(candidates))
        needs_gradient = any(ctx.needs_input_grad)
        for start in range(0, len(anchors), size):
            rows = slice(start, start + size)
            logits = torch.mm(scaled[rows], candidates.T, out=buffer[: len(scaled[rows])])
            # Subtracting the maximum keeps the exponentials below one: without it they overflow at a low temperature.
            top = logits.amax(1, keepdim=True)
            powers = logits.sub_(top).exp2_()
            sums = powers @ candidate_counts
            log_sums[rows] = sums.log() + math.log(2) * top.squeeze(1)
            if needs_gradient:
                share = (weights[rows] / sums / temperature).unsqueeze(1)
                torch.mul((counted @ powers.T).T, share, out=to_anchors[rows])
                to_candidates.addmm_((anchors[rows] * share).T, powers)
        ctx.save_for_backward(to_anchors, to_candidates.mul_(candidate_counts).T)
        return weights @ log_sums

    @staticmethod
    @once_differentiable  # the saved gradients are constants: a second derivative would silently be wrong
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        to_anchors, to_candidates = ctx.saved_tensors
        return gradient * to_anchors, gradient * to_candidates, None, None, None


def _nonzero(rows: Tensor) -> Tensor:
    return rows.detach().ne(0).any(1)
