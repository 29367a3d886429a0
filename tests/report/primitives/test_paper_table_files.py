"""A paper table's three files: what is shown, what is saved, what is bold."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from graphrec.report.primitives.paper_table import PaperTable, shown

PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"></svg>'


@pytest.fixture
def paper_table() -> PaperTable:
    table = pd.DataFrame(
        {
            "Method": ["CT", "a|b", "HCR"],
            "NDCG@50": [0.1, "failed: no title", 0.2],
            "NDCG@50_low": [0.05, float("nan"), 0.15],
            "NDCG@50_high": [0.15, float("nan"), 0.25],
            "NDCG@50_best": [False, float("nan"), True],
            "Improvement (%)": [float("nan"), float("nan"), 100.0],
            "#Users": pd.Series([1234, 5, 6], dtype=object),
        }
    )
    return PaperTable("one", "One", "What it is.", table, ("a note\nin two lines",), PICTURE)


def test_the_markdown_shows_intervals_failures_and_what_is_significantly_best(paper_table: PaperTable) -> None:
    lines = paper_table.markdown().splitlines()
    assert lines[0] == "# One" and "What it is." in lines
    assert "| Method | NDCG@50 | Improvement (%) | #Users |" in lines
    assert "| CT | .1000 [.0500, .1500] | – | 1,234 |" in lines
    assert "| a\\|b | failed: no title | – | 5 |" in lines
    assert "| HCR | **.2000** [.1500, .2500] | 100.0 | 6 |" in lines
    assert "![One](one.svg)" in lines and "- a note in two lines" in lines


def test_the_csv_has_all_columns_and_digits(paper_table: PaperTable, tmp_path: Path) -> None:
    paper_table.write(tmp_path / "new")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "graphrec.json",
        "one.csv",
        "one.md",
        "one.svg",
    ]
    back = pd.read_csv(tmp_path / "new" / "one.csv")
    assert list(back.columns) == list(paper_table.table.columns)
    assert back["NDCG@50"].tolist() == ["0.1", "failed: no title", "0.2"]
    assert back["NDCG@50_low"].iloc[0] == 0.05


def test_without_a_picture_there_is_none(paper_table: PaperTable, tmp_path: Path) -> None:
    PaperTable("two", "Two", "", paper_table.table).write(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["graphrec.json", "two.csv", "two.md"]
    assert "svg" not in (tmp_path / "two.md").read_text()


def test_values_as_tables_show_them() -> None:
    assert [shown(value) for value in (0.5, -0.25, 12345, "text", float("nan"))] == [
        ".5000", "-.2500", "12,345", "text", "–",
    ]  # fmt: skip
    assert shown(12.34, percent=True) == "12.3"
