"""A result table on a terminal breaks no cell, marks what is bold, and says what it leaves out; a pipe gets all."""

from __future__ import annotations

import pandas as pd
import pytest

from graphrec.cli.terminal import PIPE_WIDTH, print_results, print_table
from graphrec.report.primitives.tables import leading

HEADERS = ["method", "users", "MRR", "NDCG@10"]
ROWS = [("HCR", "120", "**.0712** [.0698, .0725]", ".1 [.1, .1]")]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def on_a_terminal(columns: int, *leading: str) -> list[str]:
        for key, value in {"FORCE_COLOR": "1", "COLUMNS": str(columns), "TERM": "xterm"}.items():
            monkeypatch.setenv(key, value)
        print_results(HEADERS, ROWS, leading, "with --json")
        return capsys.readouterr().out.splitlines()

    return on_a_terminal


def test_bold_is_markup_on_a_terminal(shown):
    lines = shown(80, "method")
    assert len(lines) == 2 and "**" not in lines[1]
    assert "\x1b[1m.0712\x1b[0m [.0698, .0725]" in lines[1]


def test_as_many_of_the_leading_columns_as_fit_are_shown_in_the_tables_order(shown):
    plain = [line.replace("\x1b[1m", "").replace("\x1b[0m", "") for line in shown(41, "method", "NDCG@10", "MRR")]
    assert plain[0].split() == ["method", "MRR", "NDCG@10"]
    assert "1 more column:" in plain[2] and "--json" in " ".join(plain[2:])
    assert "MRR" not in shown(40, "method", "NDCG@10", "MRR")[0]


def test_a_pipe_gets_the_whole_table_with_its_asterisks(capsys):
    print_results(HEADERS, ROWS, ["method"])
    header, row = capsys.readouterr().out.splitlines()
    assert header.split() == HEADERS and "**.0712**" in row


def test_a_wide_table_in_a_pipe_continues_in_blocks_that_name_their_rows(capsys):
    headers = ["method", "run", *(f"metric{number}" for number in range(12))]
    rows = [(name, f"run_{name}", *(f"{name}{number} {'x' * 20}" for number in range(12))) for name in ("a", "b")]
    print_results(headers, rows, ["method"], names=["method", "run"])
    printed = capsys.readouterr().out
    blocks = [block.splitlines() for block in printed.removesuffix("\n").split("\n\n")]
    assert len(blocks) == 3 and all(len(line) <= PIPE_WIDTH for block in blocks for line in block)
    assert all(line == line.rstrip() for line in printed.splitlines()), "blanks at the end would wrap short lines, too"
    for header, *lines in blocks:
        assert header.split()[:2] == ["method", "run"]
        assert [line.split()[:2] for line in lines] == [["a", "run_a"], ["b", "run_b"]]
    for row in rows:
        assert all(printed.count(f"{cell}\n") + printed.count(f"{cell} ") >= 1 for cell in row)
    assert [name for header, *_ in blocks for name in header.split()[2:]] == headers[2:]


def test_a_cell_wider_than_a_pipe_is_one_line_of_its_own_block(capsys):
    print_table(["name", "what it is", "size"], [("a", "word " * 40 + "end", "7")])
    first, second = capsys.readouterr().out.removesuffix("\n").split("\n\n")
    assert first.splitlines()[1] == "a     " + "word " * 40 + "end"
    assert second.splitlines() == ["name  size", "a     7"]


def test_a_table_without_rows_or_of_one_column_is_printed(capsys):
    print_table(["name"], [("a",)])
    print_table(["name", "size"], [])
    assert capsys.readouterr().out == "name\na\nname  size\n"


def test_ndcg_leads_and_each_metric_stands_for_its_first_cutoff():
    metrics = ["recall@10", "ndcg@10", "recall@50", "ndcg@50", "mrr", "regret_do@50"]
    columns = [f"{metric}{end}" for metric in metrics for end in ("", "_low", "_high")]
    table = pd.DataFrame([[0.0] * len(columns)], columns=columns).assign(method="m", estimand="e")
    assert leading(table) == ["method", "NDCG@10", "Regret@50 (do)", "Recall@10", "MRR"]
