"""AMR: one user table for ids and visual features, and an adversary that attacks."""

from __future__ import annotations

import pytest
import torch
from support.on_mf import mean_row, mf_model, with_shuffled_features

from graphrec.causal import Observational
from graphrec.testing import DecoderContract
from graphrec.testing.small_graph import MISSING
from graphrec.testing.small_model import EVERYONE, batch_loss, first_batches
from graphrec.training.adversary import attacked
from graphrec.training.objective import loss_of


class TestAMR(DecoderContract):
    decoder = "amr"
    needs_modalities = True


def test_the_score_is_one_user_taste_for_the_item_and_its_visual_features() -> None:
    model, graph = mf_model("amr")
    tables = model.tables["shared"]
    item = tables["item"]
    for name, weight in (("visual", model.towers["main"].maps["visual"]), ("title", tables["words_title"])):
        item = item + graph.project(name, weight) * graph.mask(name).unsqueeze(1)
    scores = model.freeze(graph).scorer(Observational())(EVERYONE)
    torch.testing.assert_close(scores, (tables["user"] @ item.T).detach())


@pytest.mark.parametrize("size", [1e-3, 0.1, 2.0])
def test_the_adversary_attacks(size: float) -> None:
    model, graph = mf_model("amr", {"attack_size": size})
    clean, adversarial = model.decoder.objectives()
    _, batch = first_batches(model, graph)
    before = loss_of(clean, model(graph), batch)
    assert batch_loss(adversarial, model, graph, batch) > before
    moved = attacked(model, graph, adversarial, batch)
    steps = (moved.features("visual") - graph.features("visual")).norm(dim=1)
    touched = torch.isin(torch.arange(graph.num_items), torch.cat([batch.items, batch.negatives]))
    touched[MISSING["visual"]] = False
    torch.testing.assert_close(steps, torch.where(touched, size, 0.0), rtol=1e-4, atol=1e-7)


def test_the_attack_is_weighted_and_can_be_left_out() -> None:
    model, _ = mf_model("amr", {"adversarial_weight": 0.25})
    assert [objective.weight for objective in model.decoder.objectives()] == [1.0, 0.25]
    model, _ = mf_model("amr", {"adversarial_weight": 0})
    assert [objective.name for objective in model.decoder.objectives()] == ["joint"]


def test_with_ci_it_is_eq_15_and_does_not_look_at_features() -> None:
    model, graph = mf_model("amr")
    tables = model.tables["shared"]
    estimand = model.decoder.variants()["AMR with CI"]
    expected = (tables["user"] @ (tables["item"] - mean_row(tables["item"], graph)).T).detach()
    for view in (graph, with_shuffled_features(graph, "visual")):
        scores = model.freeze(view).scorer(estimand)(EVERYONE)
        torch.testing.assert_close(scores, expected)
        assert torch.equal(scores.argsort(dim=1), expected.argsort(dim=1))
