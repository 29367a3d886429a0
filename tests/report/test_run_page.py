"""The report says what the runs hold and escapes what they are called."""

from __future__ import annotations

import re
import tomllib
from html import unescape
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from support.browser import Page, seen
from support.trained_runs import copied

from graphrec.causal import Observational
from graphrec.cli.errors import in_shell
from graphrec.errors import ForeignFileError, RunError
from graphrec.report.primitives.tables import number
from graphrec.report.run_page import write_report
from graphrec.system.output_file import write_output
from graphrec.system.owned_folder import append_own_line, write_own_json


@pytest.fixture(scope="module")
def path(hcr, causalrec, tmp_path_factory):
    return write_report([hcr, causalrec], tmp_path_factory.mktemp("page") / "deep" / "report.html")


@pytest.fixture(scope="module")
def text(path):
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def test_is_well_formed_with_headings_in_order_and_unique_ids(page):
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    for _, attrs in page.elements:
        for name in attrs.get("aria-labelledby", "").split():
            assert name in ids
    assert {link["href"].removeprefix("#") for link in page.all("a")} <= set(ids)
    assert page.all("html") == [{"lang": "en"}]
    assert page.all("th") and all("scope" in attrs for attrs in page.all("th"))


def test_needs_nothing_but_itself(page, text):
    assert not page.all("script") and not page.all("img") and not page.all("iframe")
    assert [link["href"] for link in page.all("link")] == ["data:,"]
    addresses = re.findall(r'\b(?:href|src|action)="([^"]*)"|url\(([^)]*)\)', text)
    assert all("".join(address).startswith(("#", "data:")) for address in addresses)
    policy = [meta["content"] for meta in page.all("meta") if "http-equiv" in meta]
    assert policy and policy[0].startswith("default-src 'none'")


def test_what_runs_are_called_is_shown_and_never_obeyed(text, hcr):
    assert "<script" not in text
    assert hcr.name in seen(text)
    assert "&lt;script&gt;" in text


def test_every_measured_number_stands_in_the_page(text, hcr, causalrec):
    words = seen(text)
    for run in (hcr, causalrec):
        for result in run.results:
            for value in result.metrics.values():
                shown = f"{number(value['mean'])} [{number(value['low'])}, {number(value['high'])}]"
                assert shown in words
    assert "lower is better" in words and "do(item)" in words


@pytest.mark.usefixtures("undrawn")
def test_bold_marks_a_clear_winner_and_nothing_else(hcr, causalrec, tmp_path):
    first, second = copied(hcr, tmp_path / "one"), copied(causalrec, tmp_path / "two")
    users = np.arange(9.0)
    evaluated_as(first, users / 20)
    evaluated_as(second, users / 20 + 0.4)
    words = write_report([first, second], tmp_path / "a.html").read_text()
    assert bold_numbers(words) == [".6000"] and "significantly better than the other" in words
    evaluated_as(second, users[::-1] / 20 + 0.01)
    words = write_report([first, second], tmp_path / "a.html").read_text()
    assert bold_numbers(words) == [] and "does not differ significantly from the other" in words


@pytest.mark.usefixtures("undrawn")
def test_what_was_measured_and_not_tested_is_marked_so(hcr, causalrec, hcr_beta, tmp_path):
    runs = [copied(run, tmp_path / name) for run, name in ((hcr, "one"), (causalrec, "two"), (hcr_beta, "three"))]
    for run, value in zip(runs, (0.1, 0.2, 0.3)):
        evaluated_as(run, np.array([value]))
    words = seen(write_report(runs, tmp_path / "a.html").read_text())
    assert "NDCG@50 was not tested: fewer than two users, or rows, have it." in words
    for run, shift in zip(runs, (0.0, 0.4, np.nan)):
        evaluated_as(run, np.arange(9.0) / 20 + shift)
    words = seen(write_report(runs, tmp_path / "a.html").read_text())
    assert "has the highest NDCG@50, .6000" in words and "oracles aside" not in words


def bold_numbers(page):
    return re.findall(r"<strong>([\d.]+)</strong>", page)


def test_a_page_is_about_held_out_likes(hcr, tmp_path):
    with pytest.raises(RunError, match="about held-out likes"):
        write_report([hcr], tmp_path / "a.html", split="truth")


def test_a_wrong_argument_is_named_as_python_and_as_the_command_line_have_it(hcr, tmp_path):
    with pytest.raises(RunError) as refused:
        write_report([hcr], tmp_path / "a.html", split="truth")
    assert "where: `split`" in str(refused.value)
    assert "where: --result-set" in refused.value.worded(in_shell)
    with pytest.raises(RunError, match="where: `runs`"):
        write_report([], tmp_path / "a.html")


def evaluated_as(run, values):
    """Make the run's only result NDCG@50 of its first users."""
    write_own_json(run.folder / "metrics.json", {})
    run.results.add("test", "M", Observational(), pd.DataFrame({"user": np.arange(len(values)), "ndcg@50": values}))


def test_tells_the_data_the_split_and_how_often_the_test_part_was_opened(text, hcr):
    words, counts = seen(text), hcr.manifest["counts"]
    assert "drawn from a simulated world" in words
    assert "tiktok , layout icme" in words and "like: finish, thumbs_up" in words
    assert "chronological (train 0.7)" in words
    for key in ("users", "items", "train_clicks", "train_likes", "valid", "test"):
        assert f"{counts[key]:,}" in words
    assert "causalrec: 1 time" in words


def test_says_in_words_what_the_split_left_out(text, hcr):
    n = hcr.manifest["counts"]["dropped_clicks_after_cut"]
    assert n > 0 and f"pairs that were first clicked after the end of train and not liked ({n:,})" in text


@pytest.mark.usefixtures("undrawn")
def test_a_single_behaviour_is_said_to_be_no_like(text, ct, tmp_path):
    assert "nothing but the click" not in seen(text)
    run = copied(ct, tmp_path / "run")
    run.manifest["single_behaviour"] = True
    assert "nothing but the click" in seen(write_report([run], tmp_path / "a.html", split="valid").read_text())


def test_shows_the_causal_claims_of_each_decoder_once(page, text, hcr, causalrec):
    words = seen(text)
    drawings = [figure for figure in page.all("figure") if figure.get("class") == "graph"]
    assert len(drawings) == 2
    for run in (hcr, causalrec):
        outcome = run.model.outcome
        assert all(node.meaning in words for node in outcome.graph.nodes.values())
        for estimand in run.variants().values():
            proof = estimand.identify(outcome)
            for line in (
                proof.criterion,
                *proof.assumptions,
                *proof.untestable,
                *proof.caveats,
                *proof.blocked,
            ):
                assert line in words
    assert "Σ<sub>Z, C</sub>" in text


@pytest.mark.usefixtures("undrawn")
def test_a_sweep_becomes_a_curve_and_one_causal_block(text, ct, tmp_path):
    assert "strength (lambda2)" in text
    assert seen(text).count("cross-world") == 1
    assert "strength (lambda2)" not in write_report([ct], tmp_path / "a.html", split="valid").read_text()


def test_gives_the_recipes_and_commands_that_repeat_the_runs(text, hcr, causalrec):
    recipes = [unescape(block) for block in re.findall(r"<summary>Resolved.*?<pre[^>]*>(.*?)</pre>", text, re.DOTALL)]
    assert [tomllib.loads(recipe) for recipe in recipes] == [
        tomllib.loads(r.recipe.to_toml()) for r in (hcr, causalrec)
    ]
    words = seen(text)
    assert f"graphrec train {hcr.folder}/recipe.toml --out {hcr.folder}-again" in words
    assert "--estimand total_indirect_effect:strength=0.5" in words
    assert hcr.manifest["split_hash"] in words and hcr.manifest["dataset_fingerprint"] in words


@pytest.mark.usefixtures("undrawn")
def test_two_runs_of_one_name_get_different_names(ct, tmp_path):
    twin = copied(ct, tmp_path / "twin")
    words = seen(write_report([ct, twin], tmp_path / "a.html", split="valid").read_text())
    assert f"{ct.name} ({ct.folder})" in words and f"{ct.name} ({twin.folder})" in words


@pytest.mark.usefixtures("undrawn")
def test_without_truth_or_data_the_page_still_stands(ct, world, tmp_path):
    run = copied(ct, tmp_path / "ct")
    run.manifest["simulated"] = False
    data = run.recipe.data.model_copy(update={"path": str(tmp_path / "gone")})
    run.recipe = run.recipe.model_copy(update={"data": data})
    words = seen(write_report([run], tmp_path / "a.html", split="valid").read_text())
    assert "no longer at" in words and "Ranking on the validation likes" in words
    assert "do(item)" not in words and "simulated" not in words
    assert "Test split opened never" in words


@pytest.mark.usefixtures("undrawn")
def test_mistakes_are_named_and_leave_the_old_page_alone(hcr, ct, tmp_path):
    page = tmp_path / "a.html"
    write_output(page, "old", "report")
    old = page.read_text()
    with pytest.raises(RunError, match="nothing to report"):
        write_report([], page)
    with pytest.raises(RunError, match="not evaluated on test"):
        write_report([hcr, ct], page)
    with pytest.raises(ForeignFileError, match="a folder"):
        write_report([hcr], tmp_path)
    run = copied(hcr, tmp_path / "run")
    append_own_line(run.folder / "ledger.jsonl", "not json")
    with pytest.raises(RunError, match=r"ledger.jsonl:2"):
        write_report([run], page)
    assert page.read_text() == old and {path.name for path in tmp_path.iterdir()} == {"a.html", "run"}
