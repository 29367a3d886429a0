"""The assembled model: tables, centring, freezing, scoring."""

from __future__ import annotations

import pytest
import torch
from support.on_mf import mf_model

from graphrec.backbones.mmgcn import MMGCNConfig
from graphrec.causal import Observational, TotalIndirectEffect
from graphrec.errors import GraphrecError, UnknownNameError
from graphrec.recommender import Recommender
from graphrec.testing.small_graph import LONE_ITEM, NUM_ITEMS, NUM_USERS
from graphrec.testing.small_model import EVERYONE, first_batches, small_model, total_loss
from graphrec.training.objective import loss_of


def test_centring_changes_neither_loss_nor_ranking_of_inner_products() -> None:
    (plain, graph), (centred, _) = (small_model("ct", centre_items=centre) for centre in (False, True))
    torch.testing.assert_close(total_loss(plain, graph), total_loss(centred, graph), rtol=1e-12, atol=0)
    scores = [model.freeze(graph).scorer(Observational())(EVERYONE) for model in (plain, centred)]
    assert torch.equal(scores[0].argsort(dim=1), scores[1].argsort(dim=1))
    torch.testing.assert_close(scores[1][:, graph.in_train].mean(1), torch.zeros(NUM_USERS, dtype=torch.float64))
    assert scores[0].mean(1).abs().min() > 1e-3
    gradients = []
    for model in (plain, centred):
        total_loss(model, graph).backward()
        gradients.append([p.grad for p in model.parameters()])
    for of_plain, of_centred in zip(*gradients):
        torch.testing.assert_close(of_plain, of_centred, rtol=1e-9, atol=1e-13)


def test_by_default_the_decoder_says_whether_to_centre() -> None:
    for decoder, asked in (("ct", False), ("causalrec", True)):
        assert small_model(decoder)[0].centre_items is asked
        assert small_model(decoder, centre_items=not asked)[0].centre_items is not asked


def test_centring_measures_every_representation_from_the_mean_training_item() -> None:
    model, graph = small_model("hcr", centre_items=True)
    assert not graph.in_train[LONE_ITEM] and graph.in_train.sum() == len(graph.in_train) - 1
    for outputs in model.representations(graph).values():
        for representation in outputs.values():
            torch.testing.assert_close(representation.item[graph.in_train].mean(0), torch.zeros(4, dtype=torch.float64))


@pytest.mark.parametrize("decoder", ["ct", "esmm", "hcr", "causalrec"])
def test_untrained_tables_get_no_gradient_and_all_else_does(decoder: str) -> None:
    model, graph = small_model(decoder, trainable_embeddings=False)
    total_loss(model, graph).backward()
    tables = dict(model.tables.named_parameters())
    assert tables
    assert all(not table.requires_grad and table.grad is None for table in tables.values())
    rest = [p for name, p in model.named_parameters() if not name.startswith("tables.")]
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in rest)
    assert set(model.state_dict()) >= {f"tables.{name}" for name in tables}, "saved all the same"


def test_shared_tables_are_one_set_for_all_towers() -> None:
    model, graph = small_model("hcr")
    before = model.freeze(graph).branches
    table = model.get_parameter("tables.shared.id")
    with torch.no_grad():
        table.add_(torch.randn_like(table))
    after = model.freeze(graph).branches
    for name in ("click_match", "like_match"):
        assert not torch.equal(before[name].user, after[name].user)


def test_freezing_keeps_no_graph_and_gives_the_forward_pass() -> None:
    model, graph = small_model("causalrec")
    frozen, alive = model.freeze(graph), model(graph)
    assert (frozen.num_users, frozen.num_items) == (NUM_USERS, NUM_ITEMS)
    for name, branch in frozen.branches.items():
        assert torch.equal(branch.user, alive[name].user) and torch.equal(branch.item, alive[name].item)
        assert not branch.user.requires_grad and not branch.item.requires_grad
    assert not frozen.scorer(TotalIndirectEffect())(EVERYONE).requires_grad


def test_freezing_and_scoring_leave_the_model_unchanged() -> None:
    model, graph = small_model("causalrec")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    first = model.freeze(graph).scorer(TotalIndirectEffect())(EVERYONE)
    second = model.freeze(graph).scorer(TotalIndirectEffect())(EVERYONE)
    assert torch.equal(first, second)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_training_resumes_without_changing_what_was_frozen() -> None:
    """`mf` gives its embedding tables as they are."""
    model, graph = mf_model("bpr")
    frozen = model.freeze(graph)
    before = frozen.scorer(Observational())(EVERYONE)
    tables = [table for outputs in frozen.representations["main"].values() for table in (outputs.user, outputs.item)]
    assert not any(tensor.requires_grad for tensor in tables)
    copies = [tensor.clone() for tensor in tables]
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(1.0)
    assert all(torch.equal(*pair) for pair in zip(tables, copies))
    assert torch.equal(frozen.scorer(Observational())(EVERYONE), before)


def test_building_a_model_does_not_touch_the_global_random_state() -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    small_model("hcr", seed=5)
    assert torch.equal(torch.rand(3), expected)


def test_an_unknown_part_is_named() -> None:
    model, graph = small_model("ct")
    decoder = model.decoder
    with pytest.raises(UnknownNameError, match="did you mean `mmgcn`"):
        Recommender("mmgnc", MMGCNConfig(), "ct", decoder.config, graph, decoder.context)


def test_an_unsupported_estimand_is_refused_before_scoring() -> None:
    model, graph = small_model("hcr")
    with pytest.raises(GraphrecError):
        model.freeze(graph).scorer(TotalIndirectEffect())


def test_the_memory_estimate_of_a_block_is_not_below_its_scores() -> None:
    model, graph = small_model("hcr", dtype=torch.float32)
    scorer = model.freeze(graph).scorer(Observational())
    assert scorer.bytes_per_user >= scorer(EVERYONE[:1]).numel() * 4
    assert scorer.num_items == NUM_ITEMS


def test_a_loss_in_single_precision_is_near_the_one_in_double() -> None:
    (rough, graph), (exact, _) = (small_model("hcr", dtype=dtype) for dtype in (torch.float32, torch.float64))
    for objective, batch in zip(rough.decoder.objectives(), first_batches(rough, graph)):
        single, double = (loss_of(objective, model(graph), batch).item() for model in (rough, exact))
        assert single == pytest.approx(double, rel=1e-4)
