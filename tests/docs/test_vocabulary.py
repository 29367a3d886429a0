"""Words that are never right here: the field or the standard library has another for the same thing."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator

from support.paths import ROOT

NEVER = {
    r"carr(y|ied|ies|ying) out|carry_out": "train, run",
    r"\banew\b": "again, from scratch",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\b(is|are|was|were) told\b|tell_failure|mistakes_told": "is reported",
    r"\bof one's own\b|own_code\b|\bown_of\b": "custom",
    r"\bPartError\b|\bmisfits?\b|refuse_misfits": "component, check_compatibility",
    r"found_files|save_found|model_files": "results, artifacts",
    r"data_place|with_data_found|without_place|hold_place": "data location, relocate_data, portable_manifest, lock",
    r"\bjudge(s|d|ment|ments)?\b|\bjudging\b": "evaluate, evaluation",
    r"\bexhibits?\b": "paper table, paper figure",
    r"\bdials?\b": "parameter",
    r"\bthe looks\b|\blooks'": "visual features",
    r"\bgo(es)? on where\b|\bgone on with\b|\bgoing on with\b": "resumes",
    r"\bstands? beside\b|\blies at\b|\blie at\b": "next to, is in",
    r"\bwhole or not at all\b": "atomically",
    r"\btold apart\b|\btells? apart\b": "differ significantly, separate",
    r"\bstream_seed\b": "derive_seed",
}
NO_NOUNS = {"one", "found", "known", "kept", "given", "place", "wanted", "said"}
"""Names that do not say what the data is."""
KINDS = ("*.py", "*.md", "*.html", "*.toml", "*.txt", "Makefile")
EXEMPT = ("tests/docs/test_vocabulary.py", "tests/runs/old_run/", "benchmarks/results/speed/")
"""This list; a run folder of the first version; output of programs."""
OLD_KEY = "old name"
"""A line that reads a file of an earlier version says so, and may spell the key that the file has."""


def test_no_word_of_our_own_stands_where_the_field_has_one() -> None:
    files = subprocess.run(["git", "ls-files", *KINDS], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    uses = []
    for name in files.split():
        if name.startswith(EXEMPT) or not (ROOT / name).is_file():
            continue
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1):
            for pattern, instead in NEVER.items():
                if (match := re.search(pattern, line, re.IGNORECASE)) and OLD_KEY not in line:
                    uses.append(f"{name}:{number}: `{match[0]}`; write {instead}")
    assert uses == []


def test_names_say_what_the_data_is() -> None:
    uses = []
    for room in ("graphrec", "benchmarks", "tests"):
        for path in sorted((ROOT / room).rglob("*.py")):
            for line, name in bound_names(ast.parse(path.read_text(encoding="utf-8"))):
                if name in NO_NOUNS:
                    uses.append(f"{path.relative_to(ROOT)}:{line}: `{name}`; write the noun of what it is")
    assert uses == []


def bound_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, name) of every variable and argument."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg


def test_no_two_classes_share_a_name() -> None:
    homes: dict[str, list[str]] = {}
    for path in sorted((ROOT / "graphrec").rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert {name: paths for name, paths in homes.items() if len(paths) > 1} == {}
