"""Which rows a method has on the page: every variant, its own estimand alone, or those that it is compared by."""

from __future__ import annotations

import pytest
from support.browser import seen
from support.trained_runs import copied

from graphrec.errors import RunError
from graphrec.report.compared_methods import compare_methods
from graphrec.report.run_page import write_report
from graphrec.report.trained_method import methods_of


@pytest.mark.usefixtures("undrawn")
def test_an_ablation_next_to_its_method_stands_for_its_own_estimand_alone(hcr, tmp_path):
    runs = [named(copied(hcr, tmp_path / name), name) for name in ("HCR", "HCR-NS")]
    comparison = compare_methods(methods_of(runs), "test")
    assert list(comparison.table["row"]) == ["HCR", "HCR-T", "HCR-S1", "HCR-S2", "HCR-NS"]
    tests = comparison.tests[comparison.tests["metric"] == "ndcg@50"]
    assert len(tests) == 10, "what is not shown is not tested"
    assert tests.set_index(["first", "second"]).loc[(0, 4), "difference"] == 0, "copies have the same values"
    words = seen(write_report(runs, tmp_path / "a.html").read_text())
    assert "HCR-NS: HCR" not in words and "HCR: HCR" not in words


def test_a_run_without_its_method_next_to_it_keeps_every_variant(hcr, causalrec):
    rows = compare_methods(methods_of([hcr, causalrec]), "test").table["row"]
    assert {"HCR", "HCR-T", "HCR-S1", "HCR-S2"} < set(rows)


def test_a_registered_ablation_stands_for_itself_where_its_method_is_missing(hcr, tmp_path):
    alone = named(copied(hcr, tmp_path / "run"), "HCR-NS")
    shown = compare_methods(methods_of([alone], {"HCR-NS": {"front_door": "HCR-NS"}}), "test").table
    assert shown[["row", "estimand"]].to_numpy().tolist() == [["HCR-NS", "front_door"]]


def test_what_is_not_compared_is_in_the_plots_of_strengths_alone(causalrec, tmp_path):
    chosen = {"causalrec": {"total_indirect_effect": "CausalRec", "observational": "CausalRec w/o CI"}}
    methods = methods_of([causalrec], chosen)
    assert list(compare_methods(methods, "test").table["row"]) == ["CausalRec", "CausalRec w/o CI"]
    text = write_report([causalrec], tmp_path / "a.html", compared=chosen).read_text()
    assert "strength (lambda2)" in text
    words = seen(text)
    ranked = words[words.index("Means over") : words.index("Evaluated by the interventional truth")]
    assert "strength=0.5" not in ranked
    missing = methods_of([causalrec], {"causalrec": {"front_door": "HCR"}})
    with pytest.raises(RunError, match="no estimand to show causalrec under on test"):
        compare_methods(missing, "test")


def test_an_ablation_of_a_tuned_method_stands_for_its_own_estimand_alone(causalrec, tmp_path):
    chosen = {"estimands": ("total_indirect_effect:strength=0.5", "observational")}
    runs = []
    for name in ("CausalRec", "CausalRec-A"):
        run = named(copied(causalrec, tmp_path / name), name)
        run.recipe = run.recipe.model_copy(update={"evaluation": run.recipe.evaluation.model_copy(update=chosen)})
        (run.folder / "metrics.json").unlink()
        run.evaluate(("total_indirect_effect:strength=0,0.5", "observational"))
        runs.append(run)
    table = compare_methods(methods_of(runs), "test").table
    assert table[["row", "estimand"]].to_numpy().tolist() == [
        ["total_indirect_effect:strength=0", "total_indirect_effect:strength=0"],
        ["CausalRec", "total_indirect_effect:strength=0.5"],
        ["CausalRec w/o CI", "observational"],
        ["CausalRec-A", "total_indirect_effect:strength=0.5"],
    ]


def named(run, name):
    run.recipe = run.recipe.model_copy(update={"name": name})
    return run
