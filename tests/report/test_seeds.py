"""A page of several seeds: its tables are over all of them, and what is of one training says which."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from support.browser import seen
from support.trained_runs import copied

from graphrec.errors import RunError
from graphrec.report.compared_methods import compare_methods
from graphrec.report.run_page import write_report
from graphrec.report.trained_method import methods_of
from graphrec.runs import analyses
from graphrec.runs.compare import compare_runs
from graphrec.runs.train import train
from graphrec.system.owned_folder import write_own_json


@pytest.fixture(scope="module")
def seeds(tiny_recipe, tiny_world, tmp_path_factory):
    """CT and HCR, two seeds each, evaluated on test, by the truth, and by their lists."""
    folder, runs = tmp_path_factory.mktemp("seeds"), []
    for name in ("ct", "hcr"):
        runs.append([])
        for seed in (3, 4):
            run = train(tiny_recipe(name, f"seed={seed}", f"name={name.upper()}"), folder / f"{name}-{seed}")
            run.evaluate()
            run.evaluate_truth(tiny_world)
            analyses.of_lists(run)
            runs[-1].append(run)
    return runs


def words(path):
    return seen(path.read_text(encoding="utf-8"))


def test_tables_and_tests_are_those_over_all_seeds(seeds):
    comparison = compare_methods(methods_of(seeds), "test")
    over = compare_runs([run for same in seeds for run in same], replicates=True)
    shown = [column for column in over.table if "@" in column or column == "method"]
    assert comparison.table[shown].equals(over.table[shown])
    assert comparison.tests.equals(over.tests) and len(comparison.tests)
    first = compare_methods(methods_of([same[0] for same in seeds]), "test").table
    assert (comparison.table["ndcg@20"] != first["ndcg@20"]).all(), "the seeds do differ"


def test_what_no_user_has_is_a_mean_over_seeds_without_an_interval(seeds):
    table = compare_methods(methods_of(seeds), "lists").table
    over = compare_runs([run for same in seeds for run in same], "lists", replicates=True).table
    assert table["coverage@20"].equals(over["coverage@20"])
    row = table.set_index("row").loc["CT"]
    each = [run.results["lists", "observational"].metrics["coverage@20"]["mean"] for run in seeds[0]]
    assert row["coverage@20"] == pytest.approx(sum(each) / 2) and np.isnan(row["coverage@20_low"])


@pytest.mark.usefixtures("undrawn")
def test_the_page_states_its_seeds_and_what_is_of_one_alone(seeds, tmp_path):
    text = words(write_report(seeds, tmp_path / "a.html"))
    mean = compare_methods(methods_of(seeds), "test").table.set_index("row").loc["HCR", "ndcg@20"]
    assert f"{mean:.4f}".removeprefix("0") in text
    assert "95 % intervals over users and 2 seeds" in text
    assert "do not cover the draw of the training seed" not in text
    assert text.count("Of the 2 seeds this is the first, 3.") == 2
    training = text[text.rindex("Of the 2 seeds the first is drawn, 3.") : text.rindex("Causal assumptions")]
    assert "HCR (seed 3)" in training and "HCR (seed 4)" not in training
    assert re.search(r"CT\s+mmgcn\s+ct\s+3, 4", text), "one line a method, with its seeds"
    assert "Resolved recipe of HCR (seed 4)" in text and "HCR: 1 time, in the run of each seed" in text
    assert "--replicates" in text and f"{seeds[1][1].folder}-again" in text


@pytest.mark.usefixtures("undrawn")
def test_a_page_of_single_runs_speaks_of_no_seeds(seeds, tmp_path):
    text = words(write_report([same[0] for same in seeds], tmp_path / "a.html"))
    assert "do not cover the draw of the training seed" in text
    assert "(seed 3)" not in text and "--replicates" not in text and "seeds this is" not in text


def test_methods_with_other_numbers_of_seeds_are_refused(seeds, tmp_path):
    with pytest.raises(RunError, match="different numbers of seeds"):
        write_report([seeds[0], seeds[1][:1]], tmp_path / "a.html")
    assert not (tmp_path / "a.html").exists()


def test_what_only_some_seeds_were_scored_under_is_left_out(seeds, tmp_path):
    copies = [copied(run, tmp_path / run.folder.name) for run in seeds[1]]
    entries = json.loads((copies[1].folder / "metrics.json").read_text())
    remaining = {key: entry for key, entry in entries.items() if key != "test/observational"}
    write_own_json(copies[1].folder / "metrics.json", remaining)
    rows = compare_methods(methods_of([copies]), "test").table["method"].tolist()
    assert rows == ["HCR", "HCR-S1", "HCR-S2"]
    write_own_json(
        copies[1].folder / "metrics.json", {"test/other": remaining["test/front_door"] | {"estimand": "other"}}
    )
    with pytest.raises(RunError, match="no estimand to show HCR under on test"):
        compare_methods(methods_of([copies]), "test")
