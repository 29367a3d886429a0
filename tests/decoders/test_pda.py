"""PDA: clicks explained by match and popularity; popularity summed out (PD) or forecast (PDA)."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError
from torch import Tensor

from graphrec.causal import BackDoor, Observational
from graphrec.decoders import decoders
from graphrec.graph.build import InteractionGraph
from graphrec.testing import DecoderContract
from graphrec.testing.small_graph import NUM_ITEMS, small_graph
from graphrec.testing.small_model import CONTEXT, EVERYONE, first_batches, small_model
from graphrec.training.objective import Batch, loss_of


def timed_graph() -> InteractionGraph:
    """`small_graph` whose click (u, i) happened at 7 u + 3 i; a like at its click's time."""
    graph = small_graph()
    for name in ("click", "like"):
        store = graph.data["user", name, "item"]
        users, items = store.edge_index
        store.time = 7 * users + 3 * items
    return graph


class TestPDA(DecoderContract):
    decoder = "pda"


class TestPDAInLogarithms(DecoderContract):
    decoder = "pda"
    settings: ClassVar = {"link": "log", "gamma": 0.3}


class TestPDAOverStages(DecoderContract):
    decoder = "pda"
    settings: ClassVar = {"stages": 3, "gamma": 0.3}

    def model(self, graph: InteractionGraph | None = None, **more: Any):
        return super().model(timed_graph() if graph is None else graph, **more)


def popularity(stages: int) -> tuple[np.ndarray, dict[tuple[int, int], int]]:
    """m `[stages, I]` and the stage of every click, counted one by one."""
    clicks = sorted(map(tuple, timed_graph().pairs("click").tolist()))
    times = np.array([7 * user + 3 * item for user, item in clicks])
    ends = [np.quantile(times, part / stages) for part in range(1, stages)]
    stage = {pair: sum(time >= end for end in ends) for pair, time in zip(clicks, times)}
    counts = np.ones((stages, NUM_ITEMS))
    for (_, item), at in stage.items():
        counts[at, item] += 1
    return counts / counts.max(1, keepdims=True), stage


def elu(x: Tensor) -> Tensor:
    return F.elu(x) + 1


def parts(**settings: Any):
    model, graph = small_model("pda", settings, timed_graph())
    fused = model.representations(graph)["main"]["fused"]
    return model, graph, (fused.user @ fused.item.T).detach()


def test_pd_ranks_by_the_match_alone() -> None:
    model, graph, f = parts(gamma=0.7)
    scores = model.freeze(graph).scorer(BackDoor())(EVERYONE)
    torch.testing.assert_close(scores.exp(), elu(f))
    assert torch.equal(scores.argsort(1), f.argsort(1))


@pytest.mark.parametrize("alpha", [-0.5, 0.0, 0.5, 3.0])
def test_pda_multiplies_by_the_popularity_that_is_forecast(alpha: float) -> None:
    model, graph, f = parts(gamma=0.7, stages=3, alpha=alpha)
    m, _ = popularity(3)
    forecast = np.maximum(m[2] + alpha * (m[2] - m[1]), m[2].min())
    scores = model.freeze(graph).scorer(BackDoor(level="forecast"))(EVERYONE)
    torch.testing.assert_close(scores.exp(), elu(f) * torch.from_numpy(forecast**0.7), rtol=1e-6, atol=0)


def test_observed_popularity_is_its_mean_over_the_clicks() -> None:
    model, graph, f = parts(gamma=0.7, stages=3)
    m, stage = popularity(3)
    share = np.bincount(list(stage.values()), minlength=3) / len(stage)
    scores = model.freeze(graph).scorer(Observational())(EVERYONE)
    torch.testing.assert_close(scores.exp(), elu(f) * torch.from_numpy(share @ m**0.7), rtol=1e-6, atol=0)


@pytest.mark.parametrize("link", ["product", "log"])
@pytest.mark.parametrize("stages", [1, 3])
def test_clicks_are_trained_on_match_times_popularity_at_the_time(stages: int, link: str) -> None:
    model, graph, f = parts(gamma=0.7, stages=stages, link=link)
    m, stage = popularity(stages)
    (objective,), (batch,) = model.decoder.objectives(), first_batches(model, graph)
    assert batch.negatives is not None
    assert objective.label == "click" and objective.negatives == "unclicked"
    total = 0.0
    for user, item, other in zip(batch.users.tolist(), batch.items.tolist(), batch.negatives.tolist()):
        at = stage[user, item]
        single_stage, two = (float(elu(f[user, i])) * m[at, i] ** 0.7 for i in (item, other))
        margin = single_stage - two if link == "product" else np.log(single_stage) - np.log(two)
        total += np.log1p(np.exp(-margin))
    expected = torch.tensor(total / len(batch.users), dtype=torch.float64)
    torch.testing.assert_close(loss_of(objective, model(graph), batch).detach(), expected, rtol=1e-6, atol=0)


def test_gamma_zero_is_a_model_without_popularity() -> None:
    model, graph, _ = parts(gamma=0.0, stages=3)
    frozen = model.freeze(graph)
    first = frozen.scorer(BackDoor())(EVERYONE)
    for estimand in (BackDoor(level="forecast"), Observational()):
        torch.testing.assert_close(frozen.scorer(estimand)(EVERYONE), first)


def test_data_without_times_have_one_stage() -> None:
    (plain, graph), (single_stage, _) = small_model("pda", {"stages": 10}), small_model("pda", {"stages": 1})
    for level in ("average", "forecast"):
        scores = [model.freeze(graph).scorer(BackDoor(level=level))(EVERYONE) for model in (plain, single_stage)]
        assert torch.equal(*scores)
    counts = torch.bincount(graph.pairs("click")[:, 1], minlength=NUM_ITEMS) + 1.0
    actual = plain.state_dict()["decoder.popularity"][0]
    torch.testing.assert_close(actual, (counts / counts.max()).double(), rtol=1e-12, atol=0)


def test_popularity_is_of_training_clicks_and_never_trained() -> None:
    model, _, _ = parts(stages=3)
    remaining = {"decoder.popularity", "decoder.forecast", "decoder.usual"}
    assert remaining <= set(model.state_dict())
    assert not remaining & {name for name, _ in model.named_parameters()}
    actual = model.state_dict()["decoder.popularity"]
    assert actual.max() == 1 and actual.min() > 0


def test_the_variants_and_what_they_rest_on() -> None:
    decoder = decoders.get("pda")(decoders.get("pda").Config(), CONTEXT)
    assert decoder.variants() == {"PD": BackDoor(), "PDA": BackDoor(level="forecast")}
    assert "I <- Z -> C (blocked by Z)" in BackDoor().identify(decoder.outcome).blocked
    assert "do(Z)" in BackDoor(level="forecast").identify(decoder.outcome).formula
    assert any("I <- Z -> C" in caveat for caveat in Observational().identify(decoder.outcome).caveats)


@pytest.mark.parametrize("wrong", [{"gamma": -1.0}, {"stages": 0}, {"alpha": float("nan")}, {"link": "ratio"}])
def test_settings_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        decoders.get("pda").Config(**wrong)


@pytest.mark.parametrize("link", ["product", "log"])
def test_extreme_logits_stay_finite_and_single_precision_agrees(link: str) -> None:
    model, graph, _ = parts(link=link, stages=3)
    outcome, (objective,) = model.decoder.outcome, model.decoder.objectives()
    extreme = torch.tensor([-1e4, -3.0, -1.0, 0.0, 0.2, 1e4], dtype=torch.float64, requires_grad=True)
    logits = {"match": extreme, "popularity": torch.linspace(-2, 0, 6).double(), "forecast": torch.zeros(6).double()}
    for part in (outcome.score, *outcome.factors.values()):
        double = part(logits)
        single = part({name: logit.float() for name, logit in logits.items()})
        torch.testing.assert_close(single.double(), double, rtol=1e-5, atol=1e-12)
    outcome.score(logits).sum().backward()
    assert extreme.grad is not None and extreme.grad.isfinite().all()

    branches = model(graph)
    scaled = {**branches, "match": type(branches["match"])(branches["match"].user * 1e6, branches["match"].item)}
    (batch,) = first_batches(model, graph)
    loss = loss_of(objective, scaled, batch)
    loss.backward()
    assert loss.isfinite() and all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_a_negative_has_the_stage_of_its_positive() -> None:
    model, graph, _ = parts(stages=3)
    _, stage = popularity(3)
    batch: Batch = first_batches(model, graph)[0]
    assert batch.stages is not None and len(batch.stages.unique()) == 3
    assert batch.stages.tolist() == [stage[pair] for pair in zip(batch.users.tolist(), batch.items.tolist())]
