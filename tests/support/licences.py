"""Write docs/licences.md: what the locked packages are and under which licence they come.

python -m support.licences
"""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution

from support.paths import ROOT

LOCKS = ("requirements-torch.lock", "requirements.lock", "requirements-oracle.lock")
HEAD = """# Licences

graphrec is under the MIT licence. It needs the packages of `requirements-torch.lock` and `requirements.lock`, of which
pytest, hypothesis, mypy, ruff and what they need are for development alone; those of `requirements-oracle.lock` are for
two tests. None is part of graphrec's wheel. The licences are what the packages say of themselves (`make licences`
writes this page).

| package | version | licence |
|---|---|---|
"""


def licence_of(name: str) -> str:
    """A package's licence: its SPDX expression, or else its classifiers, or else its own words in short."""
    try:
        metadata = distribution(name).metadata
    except PackageNotFoundError:
        return "not installed here"
    if expression := metadata.get("License-Expression"):
        return str(expression)
    classifiers = [str(text) for text in metadata.get_all("Classifier") or [] if text.startswith("License ::")]
    if names := [text.rpartition("::")[2].strip() for text in classifiers if text.count("::") > 1]:
        return ", ".join(names)
    words = str(metadata.get("License") or "").strip().splitlines()
    return words[0][:80] if words else "not stated"


def page() -> str:
    """The whole page."""
    rows = []
    for file in LOCKS:
        for name, version in re.findall(r"(?m)^([\w.-]+)==([\w.]+)", (ROOT / file).read_text(encoding="utf-8")):
            rows.append(f"| `{name}` | {version} | {licence_of(name)} |")
    return HEAD + "\n".join(sorted(rows, key=str.lower)) + "\n"


if __name__ == "__main__":
    (ROOT / "docs" / "licences.md").write_text(page(), encoding="utf-8")
    print("wrote docs/licences.md")
