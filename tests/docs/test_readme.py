"""The README is short, and its snippet prints what it says; links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_is_one_screen_and_has_no_open_markers() -> None:
    assert len(README) <= 6500
    assert not re.findall(r"\b(?:AXES|OUTPUT|TODO|FIXME|XXX)\b", README)


def headings(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


PAGES = [
    path.relative_to(ROOT).as_posix() for name in ("*.md", "docs/*.md", "datasets/*/*.md") for path in ROOT.glob(name)
]


@pytest.mark.parametrize("page", sorted(PAGES))
def test_links_lead_to_files_and_headings_that_exist(page: str) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", (ROOT / page).read_text(encoding="utf-8")):
        path = (ROOT / page).parent / target if target else ROOT / page
        assert path.exists(), target
        assert not anchor or anchor in headings(path), f"{target}#{anchor}"


def test_the_python_snippet_prints_what_the_readme_shows(tmp_path: Path) -> None:
    snippet = re.search(r"```python\n(.*?)```\n\n```\n(.*?)```", README, re.DOTALL)
    assert snippet
    code, shown = snippet.groups()
    script = tmp_path / "snippet.py"
    script.write_text(code, encoding="utf-8")
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert _words(done.stdout) == _words(shown)
    # Another processor rounds otherwise, and a short training moves a little with it.
    assert _numbers(done.stdout) == pytest.approx(_numbers(shown), abs=0.1)
    assert (tmp_path / "runs/try/embeddings/embeddings.json").is_file()


def _words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z_@]\S*", text)


def _numbers(text: str) -> list[float]:
    """The numbers with a decimal point; row numbers, ranks and ids have none."""
    return [float(number) for number in re.findall(r"(?<!\S)-?\d+\.\d+(?!\S)", text)]
