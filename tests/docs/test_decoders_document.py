"""docs/decoders.md: its table is the registry, its commands run, the options it names exist."""

from __future__ import annotations

import inspect
import re
import shlex
import shutil
from pathlib import Path

import pytest
from support.paths import ROOT
from typer.testing import CliRunner

from graphrec.cli import app
from graphrec.decoders import Context, Decoder, decoders
from graphrec.errors import GraphrecError
from graphrec.runs.recipe import Recipe

DOCUMENT = (ROOT / "docs" / "decoders.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"```(toml|bash)\n(.*?)```", DOCUMENT, re.DOTALL))
ROLES = {"click": "clicks", "like": "likes"}

# What a decoder may find in the data, from little to much.
FOUND = {
    "": Context((), (), 4, 5, 6),
    "a modality": Context((), ("audio",), 4, 5, 6, {"audio": 3}),
    "one seen before the click": Context(("visual",), (), 4, 5, 6, {"visual": 3}),
    "a modality, and a category": Context((), ("audio", "kind"), 4, 5, 6, {"audio": 3, "kind": 2}, ("kind",)),
}


def built(name: str, context: Context) -> Decoder | None:
    """The decoder at its defaults, None where it is refused."""
    kind = decoders.get(name)
    try:
        return kind(kind.Config(), context)
    except GraphrecError:
        return None


def row(name: str) -> list[str]:
    """A decoder's row, from its class."""
    kind = decoders.get(name)
    needs, decoder = next((needs, made) for needs, context in FOUND.items() if (made := built(name, context)))
    roles = {role for term in decoder.objectives() for role in (term.label, term.population) if role}
    return [
        f"[{name}](../graphrec/decoders/{Path(inspect.getfile(kind)).name})",
        (kind.__doc__ or "").split("\n")[0].replace("|", "\\|"),
        ", ".join(ROLES[role] for role in sorted(roles)),
        needs,
        ", ".join(f"{variant} (`{estimand.name}`)" for variant, estimand in decoder.variants().items()),
    ]


def test_the_table_is_the_registry() -> None:
    found = re.search(r"\n\| name \|.*\n\|---.*\n((?:\|.*\n)+)", DOCUMENT)
    shown = (
        [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in found[1].splitlines()]
        if found
        else []
    )
    expected = [row(name) for name in decoders]
    lines = "\n".join("| " + " | ".join(cells) + " |" for cells in expected)
    assert shown == expected, f"the table should be\n{lines}"


def test_links_lead_to_files_that_exist() -> None:
    for target in re.findall(r"\]\(([^)#:]+)", DOCUMENT):
        assert (ROOT / "docs" / target).exists(), target


def test_the_commands_run_one_after_the_other(
    tmp_path: Path, tiny_prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny_prepared, tmp_path / "runs" / "try" / "prepared")
    (tmp_path / "recipe.toml").write_text(BLOCKS["toml"])
    monkeypatch.chdir(tmp_path)
    commands = BLOCKS["bash"].splitlines()
    assert len(commands) == 4
    for command in commands:
        program, *arguments = shlex.split(command, comments=True)
        answer = CliRunner().invoke(app, arguments)
        assert program == "graphrec" and answer.exit_code == 0, (command, answer.output, answer.exception)


@pytest.mark.parametrize("settings", re.findall(r"`decoder\.name=[^`]+`", DOCUMENT))
def test_the_settings_that_it_names_are_accepted(settings: str) -> None:
    recipe = Recipe.from_dict({"data": {"path": "none"}}, settings.strip("`").split())
    assert recipe.decoder["name"] in decoders
