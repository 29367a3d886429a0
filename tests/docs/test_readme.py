"""The README has no gaps, its tables are those of the committed results, its snippet runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from support.paths import ROOT

from graphrec.report.primitives.tables import cell

README = (ROOT / "README.md").read_text(encoding="utf-8")
RESULTS = ROOT / "benchmarks" / "results"


def test_no_placeholder_is_left() -> None:
    assert not re.findall(r"\b(?:RESULTS|TWINTEXT|TODO|FIXME|XXX)\b", README)


def test_links_lead_to_files_that_exist() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


@pytest.mark.parametrize(
    ("heading", "folder", "metrics"),
    [
        ("**The twin of Tiktok", "tiktok-twin", ["ndcg_do@50", "regret_do@50", "ndcg@50", "recall@50"]),
        ("**Tiktok, real", "tiktok", ["recall@20", "recall@50", "ndcg@50"]),
    ],
)
def test_tables_are_the_committed_results(heading: str, folder: str, metrics: list[str]) -> None:
    table = re.search(r"\n\|---.*\n((?:\|.*\n)+)", README[README.index(heading) :])
    assert table
    rows = table.group(1).splitlines()
    shown = {line.split(" | ")[0].removeprefix("| ").replace("\\|", "|"): line for line in rows}
    results = pd.read_csv(RESULTS / folder / "results.csv").set_index("method")
    assert set(shown) == set(results.index)
    for method, line in shown.items():
        assert line.rstrip(" |").split(" | ")[1:] == [cell(results.loc[method], metric) for metric in metrics]


def test_the_python_snippet_runs_as_it_stands(tmp_path: Path) -> None:
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert code
    done = subprocess.run([sys.executable, "-c", code.group(1)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "HCR-S2" in done.stdout and (tmp_path / "runs/try/embeddings/embeddings.json").is_file()
