"""The tables of the documents are what the code gives."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.document_tables import BLOCK, DOCUMENTS, TABLES, metric_table, with_tables

from graphrec.evaluation.metrics import metrics


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_the_committed_tables_are_those_of_the_code(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert with_tables(text) == text, "run `make docs-tables`"
    assert text.count("<!-- table:") == text.count("<!-- end of table -->") == len(BLOCK.findall(text))


def test_every_table_is_in_a_document() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    assert {match["name"] for match in BLOCK.finditer(text)} == set(TABLES)


def test_an_old_table_is_replaced_and_the_rest_is_kept() -> None:
    text = "# A\n\n<!-- table: metrics of lists -->\nold\n<!-- end of table -->\n\nB\n"
    made = with_tables(text)
    assert metric_table("lists") in made and "old" not in made
    assert made.startswith("# A\n\n<!-- table") and made.endswith("-->\n\nB\n") and with_tables(made) == made


def test_every_metric_of_the_package_has_a_row() -> None:
    text = "\n".join(table() for name, table in TABLES.items() if name.startswith("metrics"))
    for name in metrics:
        metric = metrics.get(name)
        if metric.__module__.startswith("graphrec."):
            assert f"| {metric.label}" in text
