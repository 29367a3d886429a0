"""A result table on a terminal breaks no cell, marks what is bold, and says what it leaves out; a pipe gets all."""

from __future__ import annotations

import pandas as pd
import pytest

from graphrec.cli.terminal import print_results
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


def test_ndcg_leads_and_each_metric_stands_for_its_first_cutoff():
    metrics = ["recall@10", "ndcg@10", "recall@50", "ndcg@50", "mrr", "regret_do@50"]
    columns = [f"{metric}{end}" for metric in metrics for end in ("", "_low", "_high")]
    table = pd.DataFrame([[0.0] * len(columns)], columns=columns).assign(method="m", estimand="e")
    assert leading(table) == ["method", "NDCG@10", "Regret@50 (do)", "Recall@10", "MRR"]
