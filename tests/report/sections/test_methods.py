"""What the page says of a method is what its code says: deviations, formulas, settings."""

from __future__ import annotations

import sys
import types

import pytest

from graphrec.backbones import backbones
from graphrec.decoders import decoders
from graphrec.report.sections.methods import _docstrings, _note, _settings, blocks, methods, run_rows
from graphrec.report.trained_method import methods_of
from graphrec.validation import field_meanings

PARTS = [*(("backbone", name) for name in backbones), *(("decoder", name) for name in decoders)]


def noted(runs):
    return {method["name"]: method for method in methods(runs, {run.folder: run.name for run in runs})}


def test_deviations_stand_open_and_the_rest_is_there(hcr, causalrec):
    notes = noted([hcr, causalrec])
    assert list(notes) == ["mmgcn", "hcr", "causalrec"], "each component once"
    (mmgcn,) = notes["mmgcn"]["notes"]
    assert [kind for kind, _ in mmgcn["deviations"]] == ["text", "list"]
    assert mmgcn["deviations"][1][1][0].startswith("An item without modality m")
    assert any(kind == "formula" and "rownorm" in lines[0] + lines[1] for kind, lines in mmgcn["whole"])
    assert causalrec.name in notes["mmgcn"]["runs"] and causalrec.name not in notes["hcr"]["runs"]


@pytest.mark.parametrize(("kind", "name"), PARTS)
def test_no_word_of_a_docstring_is_lost(kind, name):
    component = (backbones if kind == "backbone" else decoders).get(name)
    texts = _docstrings(component)
    assert texts and texts[0][0] == component.__module__
    for _, text in texts:
        shown = " ".join(line for paragraph in text.split("\n\n") for _, lines in blocks(paragraph) for line in lines)
        assert [word for word in shown.split() if word != "-"] == [word for word in text.split() if word != "-"]


@pytest.mark.parametrize(("kind", "name"), PARTS)
def test_every_part_says_how_it_departs_from_its_paper(kind, name):
    part = (backbones if kind == "backbone" else decoders).get(name)
    own = _note(*_docstrings(part)[0])
    assert own["deviations"], f"the docstring of {own['module']} has no paragraph with the word `Deviations`"


def test_text_formulas_and_lists_are_separated():
    parsed = blocks("With x:\n    y = x\n      + 1\nas said.\n- one\n  more\n- two")
    assert parsed == [
        ("text", ["With x:"]),
        ("formula", ["y = x", "  + 1"]),
        ("text", ["as said."]),
        ("list", ["one more", "two"]),
    ]


def test_every_setting_has_its_value_its_default_and_its_meaning(hcr, hcr_beta):
    part = decoders.get("hcr")
    headers, rows = _settings(part.Config, [hcr.recipe.decoder, hcr_beta.recipe.decoder])
    assert headers == ["setting", "here", "default", "what it decides"]
    beta = next(row for row in rows if row[0] == "beta")
    assert beta[1:3] == ("1.0, 3.0", "1.0") and beta[3].startswith("Weight of the like task")
    assert [row[0] for row in rows] == list(part.Config.model_fields)
    assert "embedding_size" in field_meanings(backbones.get("mmgcn").Config), "of the base class, too"


def test_a_run_says_what_it_was_given(hcr, hcr_beta):
    _, rows = run_rows(methods_of([hcr, hcr_beta]))
    assert rows[1][:4] == (hcr_beta.name, "mmgcn", "hcr", "0")
    assert "decoder.beta = 3.0" in rows[1][4] and "decoder.beta" not in rows[0][4]
    assert "training.epochs = 2" in rows[0][4]


def test_a_custom_class_without_words_is_reported_to_have_none(monkeypatch):
    module = types.ModuleType("wordless")
    monkeypatch.setitem(sys.modules, "wordless", module)
    own = type("Own", (decoders.get("bpr"),), {"__module__": "wordless"})
    assert _docstrings(own)[0] == ("wordless", "wordless has no docstring.")
