"""Adversarial training on item features.

Tang et al., "Adversarial Training Towards Robust Multimedia Recommender System" (AMR), TKDE 2020.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from graphrec.decoders import Objective
from graphrec.graph.build import InteractionGraph
from graphrec.recommender import Recommender
from graphrec.training.objective import Batch, loss_of


def attacked(model: Recommender, graph: InteractionGraph, objective: Objective, batch: Batch) -> InteractionGraph:
    """The graph with each item's features moved by the attack's size in the direction that raises the loss most.

    The direction is the gradient of the objective's loss at the clean features, held constant afterwards; an item that
    the loss does not depend on stays where it is. Costs one more pass forward and backward.

    >>> from graphrec.testing.small_model import first_batches, small_model
    >>> from graphrec.training.adversary import attacked
    >>> from graphrec.training.objective import loss_of
    >>> model, graph = small_model("amr")
    >>> objective, batch = model.decoder.objectives()[-1], first_batches(model, graph)[-1]
    >>> clean = loss_of(objective, model(graph), batch)
    >>> bool(loss_of(objective, model(attacked(model, graph, objective, batch)), batch) > clean)
    True
    """
    assert objective.attack is not None
    moves = {name: graph.zero_perturbation(name).requires_grad_() for name in objective.attack.modalities}
    loss = loss_of(objective, model(graph.with_perturbations(moves)), batch)
    # `grad` and not `backward`: the weights' own gradients stay untouched. A modality that the loss does not depend on
    # gets zeros in place of None.
    gradients = torch.autograd.grad(loss, list(moves.values()), materialize_grads=True)
    return graph.with_perturbations(
        {name: objective.attack.size * _unit(gradient) for name, gradient in zip(moves, gradients)}
    )


def _unit(rows: Tensor) -> Tensor:
    """Rows of length one, or of zeros; scaled first, as the squares of a well-learned pair's gradient underflow."""
    largest = rows.abs().amax(1, keepdim=True).clamp(min=torch.finfo(rows.dtype).tiny)
    return F.normalize(rows / largest, dim=1)
