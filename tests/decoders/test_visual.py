"""The common base of the visually-aware decoders: the visual features, the variants, and the numerical range."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from support.on_mf import mf_model

from graphrec.decoders.visual import visual_modalities
from graphrec.errors import RecipeError
from graphrec.testing.small_model import CONTEXT, EVERYONE, total_loss

WITH_CI = ["vbpr", "amr", "deepstyle"]
EVERY = ["bpr", "dvbpr", "causalrec", *WITH_CI]


def test_visual_features_are_the_exposure_modalities_or_else_all() -> None:
    assert visual_modalities("VBPR", CONTEXT) == ("visual", "title")
    unknown = replace(CONTEXT, exposure=(), content=("acoustic", "visual"))
    assert visual_modalities("VBPR", unknown) == ("acoustic", "visual")
    assert visual_modalities("DeepStyle", unknown, exclude=["visual"]) == ("acoustic",)
    with pytest.raises(RecipeError, match=r"(?s)VBPR needs to know.*at least one modality, with the role `exposure`"):
        visual_modalities("VBPR", replace(CONTEXT, exposure=(), content=()))


@pytest.mark.parametrize("name", WITH_CI)
def test_the_indirect_effect_through_the_match_is_identified(name: str) -> None:
    model, _ = mf_model(name)
    title = model.decoder.title
    variants = model.decoder.variants()
    assert list(variants) == [title, f"{title} with CI"]
    proof = variants[f"{title} with CI"].identify(model.decoder.outcome)
    assert proof.criterion == "mediation"
    assert any("N -> Y (blocked by" in path for path in proof.blocked), "the back door that the paper warns of"


@pytest.mark.parametrize("name", EVERY)
def test_huge_logits_give_numbers(name: str) -> None:
    model, graph = mf_model(name, dtype=torch.float32)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(200)
    frozen = model.freeze(graph)
    assert max((branch.user @ branch.item.T).abs().max() for branch in frozen.branches.values()) > 1e4
    for estimand in frozen.decoder.variants().values():
        assert frozen.scorer(estimand)(EVERYONE).isfinite().all()
    loss = total_loss(model, graph)
    loss.backward()
    assert loss.isfinite() and all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("name", EVERY)
def test_single_precision_scores_as_double(name: str) -> None:
    (double, graph), (single, _) = mf_model(name), mf_model(name, dtype=torch.float32)
    for estimand in double.decoder.variants().values():
        exact, rounded = (model.freeze(graph).scorer(estimand)(EVERYONE) for model in (double, single))
        assert (exact - rounded.double()).abs().max() < 1e-5 * exact.abs().max()


@pytest.mark.parametrize("name", ["bpr", "vbpr", "dvbpr", "causalrec"])
def test_on_matrix_factorisation_too_every_parameter_is_trained(name: str) -> None:
    model, graph = mf_model(name)
    total_loss(model, graph).backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in model.parameters())
