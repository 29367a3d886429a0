"""CR: content times exposure; what exposure alone draws is removed at test time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from graphrec.causal import Observational, Outcome, TotalIndirectEffect
from graphrec.decoders import Context, decoders
from graphrec.errors import RecipeError
from graphrec.recommender import FrozenModel
from graphrec.testing import DecoderContract
from graphrec.testing.small_graph import LONE_ITEM, NUM_ITEMS
from graphrec.testing.small_model import CONTEXT, EVERYONE, SIZES, first_batches, small_model
from graphrec.training.objective import loss_of

TRAINED = [item for item in range(NUM_ITEMS) if item != LONE_ITEM]


class CRContract(DecoderContract):
    decoder = "cr"
    needs_modalities = True

    @pytest.mark.parametrize("content", [(), ("acoustic",)])
    def test_exposure_or_content_modalities_alone_are_enough(self, content: tuple[str, ...]) -> None:  # type: ignore[override]
        """Exposure is enough: the ids replace content."""
        model, _ = self.model(context=Context(exposure=("visual", "title"), content=content, **SIZES))
        assert model.decoder.towers()["main"].outputs == ("visual", "title", *(content or ("id",)))


class TestCR(CRContract):
    pass


class TestCRByAddition(CRContract):
    settings: ClassVar = {"fusion": "sum_tanh", "alpha": 0.5}


class TestCRByTanhWithoutTheExposureLoss(CRContract):
    settings: ClassVar = {"fusion": "mul_tanh", "alpha": 0.0}


def parts(**settings: Any) -> tuple[FrozenModel, Tensor, Tensor]:
    """A frozen model, and a and e `[U, I]` from its representations."""
    model, graph = small_model("cr", settings)
    frozen = model.freeze(graph)
    main = frozen.representations["main"]

    def logits(*names: str) -> Tensor:
        user, item = (sum(getattr(main[name], side) for name in names) / len(names) for side in ("user", "item"))
        return user @ item.T

    return frozen, logits("visual", "title", "acoustic"), logits("visual", "title")


FUSIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mul_sigmoid": lambda a, e: a * torch.sigmoid(e),
    "mul_tanh": lambda a, e: a * torch.tanh(e),
    "sum_sigmoid": lambda a, e: a + torch.sigmoid(e),
    "sum_tanh": lambda a, e: a + torch.tanh(e),
}


@pytest.mark.parametrize("fusion", FUSIONS)
def test_the_effect_takes_away_the_users_mean_of_the_content(fusion: str) -> None:
    frozen, a, e = parts(fusion=fusion)
    fuse = FUSIONS[fusion]
    mean = a[:, TRAINED].mean(1, keepdim=True)
    torch.testing.assert_close(frozen.scorer(Observational())(EVERYONE), fuse(a, e))
    effect = frozen.scorer(TotalIndirectEffect())(EVERYONE)
    torch.testing.assert_close(effect, fuse(a, e) - fuse(mean.expand_as(a), e))
    if fusion == "mul_sigmoid":
        torch.testing.assert_close(effect, (a - mean) * torch.sigmoid(e))


def test_by_addition_the_exposure_drops_out() -> None:
    frozen, a, _ = parts(fusion="sum_sigmoid")
    scores = frozen.scorer(TotalIndirectEffect())(EVERYONE)
    assert torch.equal(scores.argsort(1), a.argsort(1))


def test_equal_exposure_leaves_the_content_to_rank() -> None:
    frozen, a, e = parts()
    factual = {"content": a, "exposure": torch.full_like(e, 0.3)}
    scores = TotalIndirectEffect().score(frozen.outcome, factual, {**factual, "content": a.mean(1, keepdim=True)})
    assert torch.equal(scores.argsort(1), a.argsort(1))


def test_clicks_are_trained_on_the_fusion_and_on_exposure_alone() -> None:
    model, graph = small_model("cr", {"alpha": 2.5})
    _, a, e = parts()
    tables = {"click": a * torch.sigmoid(e), "exposure": e}
    objectives = model.decoder.objectives()
    assert [objective.weight for objective in objectives] == [1.0, 2.5]
    for objective, batch in zip(objectives, first_batches(model, graph)):
        assert objective.label == "click" and objective.negatives == "unclicked"
        table = tables[objective.name]
        margin = table[batch.users, batch.items] - table[batch.users, batch.negatives]
        torch.testing.assert_close(loss_of(objective, model(graph), batch).detach(), F.softplus(-margin).mean())


def test_without_a_modality_seen_before_the_click_it_says_what_to_do() -> None:
    with pytest.raises(RecipeError, match="before the click") as caught:
        small_model("cr", context=Context(exposure=(), content=("visual",), **SIZES))
    assert "content alone: visual" in str(caught.value) and "role `exposure`" in str(caught.value)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_extreme_logits_stay_finite_and_single_precision_agrees(fusion: str) -> None:
    outcome: Outcome = decoders.get("cr")(decoders.get("cr").Config(fusion=fusion), CONTEXT).outcome
    extreme = torch.tensor([-1e4, -3.0, 0.0, 0.2, 1e4], dtype=torch.float64)
    logits = {"content": extreme.repeat(5), "exposure": extreme.repeat_interleave(5)}
    double = outcome.score(logits)
    single = outcome.score({name: logit.float() for name, logit in logits.items()})
    assert double.isfinite().all()
    torch.testing.assert_close(single.double(), double, rtol=1e-5, atol=1e-30)
