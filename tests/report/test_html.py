"""The report says what the runs hold, escapes what they are called, and opens in a browser without fault."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from graphrec.carry_out import train
from graphrec.causal import Observational
from graphrec.errors import RunError
from graphrec.evaluation.parts import ACTIVITY
from graphrec.files import write_json
from graphrec.report.html import write_report
from graphrec.report.repeat import commands
from graphrec.report.results import results
from graphrec.report.slices import slices
from graphrec.report.tables import number
from graphrec.report.trained import methods_of
from graphrec.run import Run

VOID = {"meta", "link", "br", "wbr", "hr", "img", "input"}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--allow-file-access-from-files",
    "--virtual-time-budget=5000",
    "--enable-logging=stderr",
    "--v=0",
    "--dump-dom",
]
# At 717 pixels, the width of A4 between margins, the page is laid out as it is printed, with everything unfolded.
PROBE = """<!DOCTYPE html><pre id="found">nothing</pre><script>
const found = {}, paper = 717, widths = [390, paper, 1280];
for (const width of widths) {
  const frame = document.createElement("iframe");
  frame.style = `width:${width}px;height:900px;border:0`;
  frame.onload = () => {
    const page = frame.contentDocument, root = page.documentElement;
    if (width === paper) {
      for (const rule of page.styleSheets[0].cssRules)
        if (rule.conditionText === "print") rule.media.mediaText = "all";
      for (const one of page.querySelectorAll("details")) one.open = true;
    }
    const clipped = box => getComputedStyle(box).overflowX !== "visible";
    const scrolling = box => box && (clipped(box) || scrolling(box.parentElement));
    const shown = one => one.getBoundingClientRect().width > 100;
    found[width] = {
      inner: frame.contentWindow.innerWidth,
      wide: Math.max(root.scrollWidth, page.body.scrollWidth),
      poking: [...page.body.querySelectorAll("*")].filter(one => one.getBoundingClientRect().right > width + 1
        && !scrolling(one.parentElement)).map(one => one.tagName + "." + one.className),
      tables: [...page.querySelectorAll("td")].map(one => one.innerText.replace(/\\s+/g, " ").trim()),
      plots: [...page.querySelectorAll("figure svg")].filter(shown).length,
      scripts: page.scripts.length,
      small: [...page.body.querySelectorAll("p, li, dt, dd, td, th, summary, .about")].filter(one =>
        parseFloat(getComputedStyle(one).fontSize) < (width === paper ? 8 : 12)).map(one => one.tagName),
    };
    if (Object.keys(found).length === widths.length)
      document.getElementById("found").textContent = JSON.stringify(found);
  };
  frame.src = "REPORT";
  document.body.append(frame);
}
</script>"""


class Page(HTMLParser):
    """Collects elements and checks that they close in order."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.words = [], [], {}
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.words[self.open[-1]] = self.words.get(self.open[-1], "") + data

    def all(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]


@pytest.fixture(scope="module")
def path(hcr, causalrec, tmp_path_factory):
    return write_report([hcr, causalrec], tmp_path_factory.mktemp("page") / "deep" / "report.html")


@pytest.fixture(scope="module")
def text(path):
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def seen(text):
    """The words of the page without its tags."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", text.replace("<wbr>", ""))))


def copy_of(run, folder):
    shutil.copytree(run.folder, folder)
    return Run(folder)


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
    assert all("".join(found).startswith(("#", "data:")) for found in addresses)
    policy = [meta["content"] for meta in page.all("meta") if "http-equiv" in meta]
    assert policy and policy[0].startswith("default-src 'none'")


def test_what_runs_are_called_is_shown_and_never_obeyed(text, hcr):
    assert "<script" not in text
    assert hcr.name in seen(text)
    assert "&lt;script&gt;" in text


def test_every_measured_number_stands_in_the_page(text, hcr, causalrec):
    words = seen(text)
    for run in (hcr, causalrec):
        for entry in run.metrics().values():
            for value in entry["metrics"].values():
                shown = f"{number(value['mean'])} [{number(value['low'])}, {number(value['high'])}]"
                assert shown in words
    assert "lower is better" in words and "do(item)" in words


@pytest.mark.usefixtures("undrawn")
def test_bold_marks_a_clear_winner_and_nothing_else(hcr, causalrec, tmp_path):
    one, two = copy_of(hcr, tmp_path / "one"), copy_of(causalrec, tmp_path / "two")
    users = np.arange(9.0)
    judged_as(one, users / 20)
    judged_as(two, users / 20 + 0.4)
    words = write_report([one, two], tmp_path / "a.html").read_text()
    assert bold_numbers(words) == [".6000"] and "significantly better than the other" in words
    judged_as(two, users[::-1] / 20 + 0.01)
    words = write_report([one, two], tmp_path / "a.html").read_text()
    assert bold_numbers(words) == [] and "does not differ significantly from the other" in words


@pytest.mark.usefixtures("undrawn")
def test_what_was_measured_and_not_tested_is_told_so(hcr, causalrec, hcr_beta, tmp_path):
    runs = [copy_of(run, tmp_path / name) for run, name in ((hcr, "one"), (causalrec, "two"), (hcr_beta, "three"))]
    for run, value in zip(runs, (0.1, 0.2, 0.3)):
        judged_as(run, np.array([value]))
    words = seen(write_report(runs, tmp_path / "a.html").read_text())
    assert "NDCG@50 was not tested: fewer than two users, or rows, have it." in words
    for run, shift in zip(runs, (0.0, 0.4, np.nan)):
        judged_as(run, np.arange(9.0) / 20 + shift)
    words = seen(write_report(runs, tmp_path / "a.html").read_text())
    assert "has the highest NDCG@50, .6000" in words and "oracles aside" not in words


def bold_numbers(page):
    return re.findall(r"<strong>([\d.]+)</strong>", page)


def test_a_page_is_about_held_out_likes(hcr, tmp_path):
    with pytest.raises(RunError, match="about held-out likes"):
        write_report([hcr], tmp_path / "a.html", part="truth")


def judged_as(run, values):
    """Make the run's only result NDCG@50 of its first users."""
    write_json(run.folder / "metrics.json", {})
    run.keep("test", "M", Observational(), pd.DataFrame({"user": np.arange(len(values)), "ndcg@50": values}))


def test_tells_the_data_the_split_and_how_often_the_test_part_was_opened(text, hcr):
    words, counts = seen(text), hcr.manifest["counts"]
    assert "drawn from a simulated world" in words
    assert "tiktok , layout icme" in words and "like: finish, thumbs_up" in words
    assert "chronological (train 0.7)" in words
    for key in ("users", "items", "train_clicks", "train_likes", "valid", "test"):
        assert f"{counts[key]:,}" in words
    assert "causalrec: 1 time" in words


@pytest.mark.usefixtures("undrawn")
def test_a_single_behaviour_is_said_to_be_no_like(text, ct, tmp_path):
    assert "nothing but the click" not in seen(text)
    run = copy_of(ct, tmp_path / "run")
    run.manifest["single_behaviour"] = True
    assert "nothing but the click" in seen(write_report([run], tmp_path / "a.html", part="valid").read_text())


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
    assert "strength (lambda2)" not in write_report([ct], tmp_path / "a.html", part="valid").read_text()


def test_gives_the_recipes_and_commands_that_repeat_the_runs(text, hcr, causalrec):
    recipes = [unescape(one) for one in re.findall(r"<summary>Resolved.*?<pre[^>]*>(.*?)</pre>", text, re.DOTALL)]
    assert [tomllib.loads(one) for one in recipes] == [tomllib.loads(r.recipe.to_toml()) for r in (hcr, causalrec)]
    words = seen(text)
    assert f"graphrec train {hcr.folder}/recipe.toml --out {hcr.folder}-again" in words
    assert "--estimand total_indirect_effect:strength=0.5" in words
    assert hcr.manifest["split_hash"] in words and hcr.manifest["dataset_fingerprint"] in words


@pytest.mark.usefixtures("undrawn")
def test_the_commands_name_the_data_where_the_recipe_no_longer_finds_them(ct, world, tmp_path, monkeypatch):
    shutil.copytree(world / "prepared", tmp_path / "here" / "data")
    monkeypatch.chdir(tmp_path / "here")
    train(ct.recipe.with_data_at("data"), "run").evaluate(part="valid")
    (line,) = train_lines(write_report([Run("run")], tmp_path / "a.html", part="valid"))
    assert line == "graphrec train run/recipe.toml --out run-again"
    monkeypatch.chdir(tmp_path)
    (line,) = train_lines(write_report([Run("here/run")], tmp_path / "a.html", part="valid"))
    assert line == "graphrec train here/run/recipe.toml --out here/run-again --set data.path=here/data"


def test_a_run_that_two_truths_judged_is_judged_by_both_again(ct, world, tmp_path):
    run = copy_of(ct, tmp_path / "run")
    for target in ("like", "satisfaction"):
        run.evaluate_truth(world / "raw", target=target)
    lines = [one for one in commands([run], "valid", tmp_path / "a.html").splitlines() if " evaluate " in one]
    ends = [line.partition("--estimand observational")[2] for line in lines]
    assert ends == [" --truth WORLD", " --truth WORLD --target satisfaction"]


def test_in_a_slice_the_clear_winner_alone_is_best(hcr, causalrec, tmp_path):
    runs = [copy_of(run, tmp_path / name) for run, name in ((hcr, "one"), (causalrec, "two"))]
    users = np.arange(9)
    for run, shift in zip(runs, (0.0, 0.4)):
        write_json(run.folder / "metrics.json", {})
        for part, ahead in zip(ACTIVITY, (shift, 0.0)):
            run.keep(part, "M", Observational(), pd.DataFrame({"user": users, "ndcg@50": users / 20 + ahead}))
    (found,) = slices(methods_of(runs))
    best = [[cell["best"] for cell in row["cells"]] for row in found["overview"]["rows"]]
    assert best == [[False, False], [True, False]]


def train_lines(page):
    return [one for one in unescape(page.read_text()).splitlines() if "graphrec train" in one]


@pytest.mark.usefixtures("undrawn")
def test_two_runs_of_one_name_are_told_apart(ct, tmp_path):
    twin = copy_of(ct, tmp_path / "twin")
    words = seen(write_report([ct, twin], tmp_path / "a.html", part="valid").read_text())
    assert f"{ct.name} ({ct.folder})" in words and f"{ct.name} ({twin.folder})" in words


@pytest.mark.usefixtures("undrawn")
def test_an_ablation_beside_its_method_stands_for_its_own_estimand_alone(hcr, tmp_path):
    runs = [named(copy_of(hcr, tmp_path / name), name) for name in ("HCR", "HCR-NS")]
    found = results(methods_of(runs), "test")
    assert list(found.table["row"]) == ["HCR", "HCR-T", "HCR-S1", "HCR-S2", "HCR-NS"]
    tests = found.tests[found.tests["metric"] == "ndcg@50"]
    assert len(tests) == 10, "what is not shown is not tested"
    assert tests.set_index(["first", "second"]).loc[(0, 4), "difference"] == 0, "copies have the same values"
    words = seen(write_report(runs, tmp_path / "a.html").read_text())
    assert "HCR-NS: HCR" not in words and "HCR: HCR" not in words


def test_a_run_without_its_method_beside_it_keeps_every_variant(hcr, causalrec):
    rows = results(methods_of([hcr, causalrec]), "test").table["row"]
    assert {"HCR", "HCR-T", "HCR-S1", "HCR-S2"} < set(rows)


def test_a_known_ablation_stands_for_itself_where_its_method_is_missing(hcr, tmp_path):
    alone = named(copy_of(hcr, tmp_path / "run"), "HCR-NS")
    shown = results(methods_of([alone], {"HCR-NS": {"front_door": "HCR-NS"}}), "test").table
    assert shown[["row", "estimand"]].to_numpy().tolist() == [["HCR-NS", "front_door"]]


def test_what_is_not_compared_is_in_the_plots_of_strengths_alone(causalrec, tmp_path):
    chosen = {"causalrec": {"total_indirect_effect": "CausalRec", "observational": "CausalRec w/o CI"}}
    methods = methods_of([causalrec], chosen)
    assert list(results(methods, "test").table["row"]) == ["CausalRec", "CausalRec w/o CI"]
    text = write_report([causalrec], tmp_path / "a.html", compared=chosen).read_text()
    assert "strength (lambda2)" in text
    words = seen(text)
    ranked = words[words.index("Means over") : words.index("Judged by the interventional truth")]
    assert "strength=0.5" not in ranked
    missing = methods_of([causalrec], {"causalrec": {"front_door": "HCR"}})
    with pytest.raises(RunError, match="no estimand to show causalrec under on test"):
        results(missing, "test")


def test_an_ablation_of_a_tuned_method_stands_for_its_own_estimand_alone(causalrec, tmp_path):
    chosen = {"estimands": ("total_indirect_effect:strength=0.5", "observational")}
    runs = []
    for name in ("CausalRec", "CausalRec-A"):
        run = named(copy_of(causalrec, tmp_path / name), name)
        run.recipe = run.recipe.model_copy(update={"evaluation": run.recipe.evaluation.model_copy(update=chosen)})
        (run.folder / "metrics.json").unlink()
        run.evaluate(("total_indirect_effect:strength=0,0.5", "observational"))
        runs.append(run)
    table = results(methods_of(runs), "test").table
    assert table[["row", "estimand"]].to_numpy().tolist() == [
        ["total_indirect_effect:strength=0", "total_indirect_effect:strength=0"],
        ["CausalRec", "total_indirect_effect:strength=0.5"],
        ["CausalRec w/o CI", "observational"],
        ["CausalRec-A", "total_indirect_effect:strength=0.5"],
    ]


def named(run, name):
    run.recipe = run.recipe.model_copy(update={"name": name})
    return run


@pytest.mark.usefixtures("undrawn")
def test_without_truth_or_data_the_page_still_stands(ct, world, tmp_path):
    run = copy_of(ct, tmp_path / "ct")
    run.manifest["simulated"] = False
    data = run.recipe.data.model_copy(update={"path": str(tmp_path / "gone")})
    run.recipe = run.recipe.model_copy(update={"data": data})
    words = seen(write_report([run], tmp_path / "a.html", part="valid").read_text())
    assert "no longer at" in words and "Ranking on the validation likes" in words
    assert "do(item)" not in words and "simulated" not in words
    assert "Test part opened never" in words


@pytest.mark.usefixtures("undrawn")
def test_mistakes_are_named_and_leave_the_old_page_alone(hcr, ct, tmp_path):
    page = tmp_path / "a.html"
    page.write_text("old")
    with pytest.raises(RunError, match="nothing to report"):
        write_report([], page)
    with pytest.raises(RunError, match="not evaluated on test"):
        write_report([hcr, ct], page)
    with pytest.raises(RunError, match="a file"):
        write_report([hcr], tmp_path)
    run = copy_of(hcr, tmp_path / "run")
    with open(run.folder / "ledger.jsonl", "a") as ledger:
        ledger.write("not json\n")
    with pytest.raises(RunError, match=r"ledger.jsonl:2"):
        write_report([run], page)
    assert page.read_text() == "old" and {one.name for one in tmp_path.iterdir()} == {"a.html", "run"}


def test_opens_in_a_browser_on_a_phone_a_desk_and_paper_without_a_fault(whole_page, hcr, tmp_path):
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is on the path")
    probe = tmp_path / "probe.html"
    probe.write_text(PROBE.replace("REPORT", whole_page.as_uri()))
    done = subprocess.run(
        [browser, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", probe.as_uri()],
        capture_output=True, text=True, timeout=90,
    )  # fmt: skip
    assert "CONSOLE" not in done.stderr, [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    found = json.loads(unescape(re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL).group(1)))
    value = next(iter(hcr.metrics().values()))["metrics"]["ndcg@50"]
    assert sorted(found) == ["1280", "390", "717"]
    for width, view in found.items():
        assert view["inner"] == int(width) and view["poking"] == [] and view["wide"] <= int(width), (
            width,
            view["poking"],
        )
        assert f"{number(value['mean'])} [{number(value['low'])}, {number(value['high'])}]" in view["tables"]
        assert view["plots"] >= 12 and view["scripts"] == 0 and view["small"] == [], width
