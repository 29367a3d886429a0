"""Multi-IPW: likes of clicked pairs, weighted by the inverse of the click's probability."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError
from torch import Tensor

from graphrec.causal import Observational
from graphrec.decoders import Labels, decoders
from graphrec.testing import DecoderContract
from graphrec.testing.small_model import EVERYONE, first_batches, small_model
from graphrec.training.objective import loss_of


class TestMultiIPW(DecoderContract):
    decoder = "multi_ipw"


class TestMultiIPWSelfNormalised(DecoderContract):
    decoder = "multi_ipw"
    settings: ClassVar = {"self_normalised": True, "share_embeddings": False, "like_graph": "like"}


def losses(settings: dict[str, Any], offset: float = 0.0) -> tuple[Tensor, Tensor, Tensor, Labels]:
    """The like loss as trained, and p, r `[B]` from the representations, and the labels."""
    model, graph = small_model("multi_ipw", settings)
    with torch.no_grad():
        model.get_parameter("decoder.click_offset").fill_(offset)
    objective, batch = model.decoder.objectives()[1], first_batches(model, graph)[1]
    reps = model.representations(graph)
    click, like = (reps[name]["fused"] for name in ("click", "like"))
    p = torch.sigmoid((click.user @ click.item.T + offset)[batch.users, batch.items])
    r = torch.sigmoid((like.user @ like.item.T)[batch.users, batch.items])
    assert batch.labels is not None
    return loss_of(objective, model(graph), batch).detach(), p.detach(), r.detach(), batch.labels


@pytest.mark.parametrize("offset", [0.0, -6.0])
@pytest.mark.parametrize("clip", [0.05, 0.7])
def test_the_like_loss_is_the_inverse_propensity_mean(clip: float, offset: float) -> None:
    ours, p, r, labels = losses({"clip": clip}, offset)
    errors = F.binary_cross_entropy(r, labels.liked.double(), reduction="none")
    expected = sum(
        float(o) * float(d) / max(float(chance), clip) for o, d, chance in zip(labels.clicked, errors, p)
    ) / len(p)
    torch.testing.assert_close(ours, torch.tensor(expected, dtype=torch.float64))


def test_self_normalised_the_weights_sum_to_one() -> None:
    ours, p, r, labels = losses({"self_normalised": True})
    errors = F.binary_cross_entropy(r, labels.liked.double(), reduction="none")
    weights = labels.clicked / p.clamp(min=0.05)
    torch.testing.assert_close(ours, (weights * errors).sum() / weights.sum())


def test_the_like_loss_gives_the_click_tower_no_gradient() -> None:
    model, graph = small_model("multi_ipw", {"share_embeddings": False})
    click, like = (
        loss_of(objective, model(graph), batch)
        for objective, batch in zip(model.decoder.objectives(), first_batches(model, graph))
    )
    parameters = dict(model.named_parameters())

    def reached(loss: Tensor) -> set[str]:
        actual = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
        return {name for name, gradient in zip(parameters, actual) if gradient is not None and gradient.abs().max() > 0}

    assert reached(click) == {name for name in parameters if ".click" in name}
    assert reached(like) == {name for name in parameters if ".like" in name or "conversion" in name}


def test_items_are_ranked_by_click_times_conversion() -> None:
    model, graph = small_model("multi_ipw")
    reps = model.representations(graph)
    p, r = (torch.sigmoid(reps[name]["fused"].user @ reps[name]["fused"].item.T) for name in ("click", "like"))
    frozen = model.freeze(graph)
    assert list(frozen.decoder.variants()) == ["Multi-IPW"]
    torch.testing.assert_close(frozen.scorer(Observational())(EVERYONE).exp(), (p * r).detach())


def test_towers_share_their_embeddings_by_default() -> None:
    assert set(small_model("multi_ipw")[0].tables) == {"shared"}
    assert set(small_model("multi_ipw", {"share_embeddings": False})[0].tables) == {"click", "like"}


@pytest.mark.parametrize("clip", [0.0, -0.1, 1.5])
def test_a_clip_outside_zero_to_one_is_refused(clip: float) -> None:
    with pytest.raises(ValidationError, match="clip"):
        decoders.get("multi_ipw").Config(clip=clip)


def test_extreme_logits_stay_finite_and_single_precision_agrees() -> None:
    model, _ = small_model("multi_ipw")
    objective = model.decoder.objectives()[1]
    extreme = torch.tensor([-1e4, -3.0, 0.2, 1e4], dtype=torch.float64)
    grid = {"click": extreme.repeat(4), "conversion": extreme.repeat_interleave(4)}
    ones = torch.ones(16, dtype=torch.float64)
    assert callable(objective.loss)
    for liked in (ones, 1 - ones):
        double = objective.loss(grid, Labels(ones, liked))
        single = objective.loss(
            {name: logits.float() for name, logits in grid.items()}, Labels(ones.float(), liked.float())
        )
        assert double.isfinite().all()
        torch.testing.assert_close(single.double(), double, rtol=1e-5, atol=1e-30)
