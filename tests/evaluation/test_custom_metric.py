"""A metric from outside the package is one class and a three-line test; everything else follows from the class."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from support.command_line import Call
from support.document_tables import metric_row

import graphrec
from graphrec.errors import ComponentError, UnknownNameError
from graphrec.evaluation.metrics import (
    DEFAULT_METRICS,
    RankedHits,
    RankingMetric,
    better,
    describe,
    metrics,
    monitors,
    resolve,
    select,
)
from graphrec.evaluation.ranking import evaluate
from graphrec.evaluation.scorer import TableScorer
from graphrec.evaluation.summary import summarise
from graphrec.report.primitives.tables import markdown
from graphrec.runs.recipe import Recipe
from graphrec.runs.run import Run
from graphrec.runs.train import train
from graphrec.testing import MetricContract

RBP_FILE = '''
import numpy as np

from graphrec.evaluation.metrics import RankingMetric


class RBP(RankingMetric):
    """Rank-biased precision of a reader who continues to the next item with probability 0.8.

        0.2 * sum of 0.8^(r - 1) h(r) over r = 1..K

    Source: Moffat and Zobel, TOIS 2008.

    Example:
        >>> from graphrec.evaluation.metrics import RankedHits
        >>> RBP().values(RankedHits.from_ranks([[1, 3]], length=3), k=3).round(3)
        array([0.328])
    """

    name = "rbp"
    label = "RBP"

    def values(self, block, k):
        return block.hits[:, :k] @ (0.2 * 0.8 ** (block.ranks[:k] - 1))
'''
TEST_FILE = """
from graphrec.testing import MetricContract


class TestRBP(MetricContract):
    metric = "rbp_of_acme:RBP"
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path with the module `rbp_of_acme`, and an entry point for it."""
    registered, admitted = dict(metrics._components), set(metrics.admitted)
    metrics._components.pop("rbp", None)
    folder = tmp_path / "acme"
    info = folder / "acme-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "rbp_of_acme.py").write_text(RBP_FILE)
    (folder / "test_rbp.py").write_text(TEST_FILE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[graphrec.metrics]\nrbp = rbp_of_acme:RBP\n")
    monkeypatch.syspath_prepend(folder)
    yield folder
    metrics._components, metrics.admitted = registered, admitted
    sys.modules.pop("rbp_of_acme", None)


def by_hand(hits: np.ndarray) -> np.ndarray:
    return sum(0.2 * 0.8**position * hits[:, position] for position in range(hits.shape[1]))


@pytest.mark.parametrize("name", ["rbp", "rbp_of_acme:RBP"])
def test_a_run_computes_it_watches_it_and_tables_show_it(
    package: Path, tiny_recipe: Callable[..., Recipe], tmp_path: Path, call: Call, name: str
) -> None:
    recipe = tiny_recipe("ct", f'evaluation.metrics=["recall", "{name}"]', "training.monitor=rbp@10")
    run = train(recipe, tmp_path / "run")
    watched = [row["rbp@10"] for row in run.history]
    assert run.manifest["best_rbp@10"] == max(watched), "early stopping keeps the epoch in which it is highest"
    assert list(run.manifest["custom_code"]) == ["rbp_of_acme"], "other code would choose another epoch"

    table = Run(run.folder).evaluate(split="valid")
    assert [column for column in table if "_" not in column][3:] == ["recall@10", "rbp@10", "recall@20", "rbp@20"]
    per_user = Run(run.folder).results["valid", "observational"].per_user
    assert per_user["rbp@10"].between(0, 1).all() and per_user["rbp@10"].max() > 0
    assert table["rbp@10"].iloc[0] == pytest.approx(per_user["rbp@10"].mean())
    assert table["rbp@10_low"].iloc[0] <= table["rbp@10"].iloc[0] <= table["rbp@10_high"].iloc[0]
    assert "| RBP@10 |" in markdown(table)
    assert "RBP@20" in call("evaluate", run.folder, "--split", "valid").out


def test_its_label_bounds_direction_monitor_and_document_row_come_from_the_class(package: Path) -> None:
    assert "rbp" in metrics and "rbp@10" in monitors((10,), ["rbp"])
    column = describe("rbp@10")
    assert (column.label, column.bounds, column.direction) == ("RBP@10", (0.0, 1.0), "higher")
    assert better("rbp@10") == "higher"
    wild = pd.DataFrame({"user": range(4), "rbp@10": [-9.0, 0.0, 1.0, 9.0]})
    assert summarise(wild, wild)["rbp@10"]["low"] == 0.0, "an interval ends where the metric does"
    assert metric_row(metrics.get("rbp")) == (
        "RBP@K",
        "0.2 * sum of 0.8^(r - 1) h(r) over r = 1..K",
        "0 to 1",
        "higher",
    )


def test_the_contract_holds_it_in_three_lines(package: Path) -> None:
    options = ["-q", "-p", "no:cacheprovider", "--rootdir", str(package)]
    assert pytest.main([*options, str(package / "test_rbp.py")]) == pytest.ExitCode.OK


class Depth(RankingMetric):
    """Rank of the first positive, K + 1 where none is in the list.

        min(rank of the first positive, K + 1)

    Example:
        >>> from graphrec.evaluation.metrics import RankedHits
        >>> Depth().values(RankedHits.from_ranks([[2, 3], [9]], length=3), k=3).tolist()
        [2.0, 4.0]
    """

    name: ClassVar[str] = "depth"
    label: ClassVar[str] = "Depth"
    bounds: ClassVar[tuple[float, float]] = (1.0, float("inf"))
    direction = "lower"

    def values(self, block: RankedHits, k: int) -> np.ndarray:
        return np.minimum(block.first, k + 1).astype(float)


class TestDepth(MetricContract):
    metric = Depth


def test_a_class_is_given_as_it_is() -> None:
    scorer = TableScorer([[3.0, 2.0, 1.0], [1.0, 2.0, 3.0]])
    table = evaluate(scorer, np.array([[0, 1], [1, 0]]), np.empty((0, 2), dtype=int), (2,), ["mrr", Depth])
    assert table["depth@2"].tolist() == [2.0, 3.0]
    assert describe("depth@2").label == "Depth@2" and better("depth@2") == "lower"


def test_what_is_the_better_the_lower_cannot_be_watched() -> None:
    assert monitors((5,), ["mrr", Depth]) == ["mrr"]


def test_naming_metrics_replaces_the_defaults_of_their_family_alone() -> None:
    assert [metric.name for metric in select(["ndcg", "coverage"], "ranking")] == ["ndcg"]
    assert [metric.name for metric in select(["ndcg", "coverage"], "lists")] == ["coverage"]
    assert [metric.name for metric in select(["ndcg", "coverage"], "off_policy")] == ["ips", "snips", "dr"]


def test_an_unknown_metric_is_refused_when_the_recipe_is_read(tiny_recipe: Callable[..., Recipe]) -> None:
    with pytest.raises(UnknownNameError, match="did you mean `recall`") as caught:
        tiny_recipe("ct", 'evaluation.metrics=["recal"]')
    assert str(caught.value.where).startswith("evaluation.metrics in")


def test_a_monitor_that_is_not_computed_is_refused_with_those_that_are(tiny_recipe: Callable[..., Recipe]) -> None:
    with pytest.raises(UnknownNameError) as caught:
        tiny_recipe("ct", 'evaluation.metrics=["recall"]')
    assert "recall@10" in str(caught.value.expected) and "ndcg@20" not in str(caught.value.expected)


def make(label: str, name: str) -> type[RankingMetric]:
    """A metric of another name or label."""
    return type("Made", (Depth,), {"name": name, "label": label, "__doc__": Depth.__doc__})


@pytest.mark.parametrize("name", ["", "Two words", "recall@5", "users_low", "positives"])
def test_a_name_that_no_column_can_have_is_refused(name: str) -> None:
    with pytest.raises(ComponentError, match=r"has no name|cannot be called"):
        resolve([make("Made", name)])


def test_a_metric_without_a_label_is_refused() -> None:
    with pytest.raises(ComponentError, match="no label"):
        resolve([make("", "made")])


def test_two_metrics_of_one_name_are_refused_but_a_class_may_be_defined_again() -> None:
    with pytest.raises(ComponentError, match="two metrics are called `ndcg`"):
        resolve([make("Other NDCG", "ndcg")])
    first, again = make("First", "made_twice"), make("Again", "made_twice")
    with pytest.raises(ComponentError, match="two metrics are called `made_twice`"):
        resolve([first, again])
    resolve([first])
    resolve([again])
    assert describe("made_twice@5").label == "Again@5"


def test_nothing_is_claimed_of_a_column_whose_metric_is_not_installed() -> None:
    column = describe("serendipity@5")
    assert (column.label, column.direction, column.bounds) == ("Serendipity@5", "neither", (-np.inf, np.inf))


def test_no_module_tells_a_metric_by_the_letters_of_its_name() -> None:
    """Each would have to be edited for a new metric: labels, bounds and directions come from the class."""
    stems = "|".join(name for names in DEFAULT_METRICS.values() for name in names)
    by_letters = re.compile(rf"""(startswith|endswith|removesuffix|removeprefix)\(\(?["'](_do|{stems})\b""")
    for path in Path(graphrec.__file__).parent.rglob("*.py"):
        assert not by_letters.search(path.read_text(encoding="utf-8")), path


@pytest.mark.parametrize(
    ("values", "limits", "got"),
    [
        (lambda block: 6.0 * np.ones(len(block.positives)), (0.0, 0.1), "6"),
        (lambda block: np.ones(len(block.positives)), (1.0, 0.0), "1"),
        (lambda block: 1, (0.0, 1.0), "shape []"),
        (lambda block: np.zeros(1), (0.0, 1.0), "shape [1]"),
        (lambda block: np.zeros((2, 1)), (0.0, 1.0), "shape [2, 1]"),
    ],
)
def test_values_that_a_metric_cannot_have_are_refused(values, limits, got) -> None:
    class Wrong(RankingMetric):
        name: ClassVar[str] = "wrong"
        label: ClassVar[str] = "Wrong"
        bounds: ClassVar[tuple[float, float]] = limits

        def values(self, block: RankedHits, k: int) -> np.ndarray:
            return values(block)

    registered, admitted = dict(metrics._components), set(metrics.admitted)
    scorer = TableScorer(np.arange(12.0).reshape(3, 4))
    try:
        with pytest.raises(ComponentError, match="has values that it cannot have") as caught:
            evaluate(scorer, np.array([[0, 1], [2, 3]]), np.array([[0, 0]]), (2,), [Wrong])
    finally:
        metrics._components, metrics.admitted = registered, admitted
    assert got in str(caught.value.got) and "Wrong" in str(caught.value.where)
