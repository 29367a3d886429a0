"""docs/worlds.md: its tables are made from the code, and the one in words names what the classes declare."""

from __future__ import annotations

import re

from support.paths import ROOT
from support.world_tables import oracle_table, own_worlds, setting_table

from graphrec.simulation import WorldConfig, worlds

BY_HAND = (ROOT / "docs" / "worlds.md").read_text(encoding="utf-8").partition("## The truth")[0]


def test_every_world_has_a_row_with_its_graph_and_target() -> None:
    rows = {line.split("`")[1]: line for line in BY_HAND.splitlines() if re.match(r"\| `\w+` \|.*\|$", line)}
    for name in own_worlds():
        kind = worlds.get(name)
        treated = kind.graph(kind.Config()).outcome
        *_, graph, target = (cell.strip() for cell in rows[name].strip("| ").split("|"))
        assert graph == {"L": "HCR's", "Y": "CausalRec's"}[treated]
        assert target == f"`{kind.target}`"


def test_the_table_of_settings_has_every_setting_with_its_default() -> None:
    table = setting_table()
    for name, field in WorldConfig.model_fields.items():
        assert f"| `{name}` | {field.default:g} |" in table


def test_the_table_of_oracles_has_every_world_and_its_own_question_is_seen() -> None:
    rows = [line.strip("| ").split(" | ") for line in oracle_table().splitlines()[2:]]
    for name in own_worlds():
        losses = {target: int(loss.rstrip("%")) for names, target, _, _, loss, _ in rows if f"`{name}`" in names}
        assert set(losses) == {"like", "satisfaction"}
        assert losses[worlds.get(name).target] > 15
