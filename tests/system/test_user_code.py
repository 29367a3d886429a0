"""Trust: what a run or another folder names is data; only what a person names is ever loaded."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.command_line import Call, refused
from support.trained_runs import MakeRecipe

import graphrec as gr
from graphrec.errors import ComponentError, UnknownNameError
from graphrec.runs.recipe import Recipe
from graphrec.runs.run import Run
from graphrec.runs.train import train
from graphrec.system import user_code
from graphrec.system.owned_folder import write_own_text

NET = """
from graphrec.backbones.mmgcn import MMGCN
print("the code runs")
class Net(MMGCN):
    "A backbone of somebody's."
"""


@pytest.fixture(autouse=True)
def nobody_named_anything(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a process that has just begun."""
    monkeypatch.setattr(user_code, "_permitted", set())
    monkeypatch.setattr(user_code, "_trusted", set())
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith((user_code.FILES, "evil_")):
            del sys.modules[name]


@pytest.fixture
def foreign(own: Callable[[str], Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run whose recipe names a module that could be imported, and has not been."""
    folder = own("ct").folder
    (tmp_path / "evil_net.py").write_text(NET)
    monkeypatch.syspath_prepend(tmp_path)
    text = (folder / "recipe.toml").read_text()
    write_own_text(folder / "recipe.toml", text.replace('name = "mmgcn"', 'name = "evil_net:Net"'))
    assert "evil_net" in (folder / "recipe.toml").read_text()
    return folder


VERBS = (
    ("evaluate",),
    ("recommend", "--users", "1"),
    ("explain", "--user", "1", "--item", "1"),
    ("export", "--out", "out"),
    ("refute",),
    ("compare",),
)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
def test_no_command_loads_what_a_run_names_and_each_says_what_it_would_be(
    foreign: Path, call: Call, tmp_path: Path, verb: tuple[str, ...]
) -> None:
    answer = call(verb[0], foreign, *verb[1:])
    digest = hashlib.sha256(NET.encode()).hexdigest()[:12]
    file = str(tmp_path / "evil_net.py")
    refused(answer, "`evil_net:Net` is code that graphrec does not have", file, digest, "--trust")
    assert "evil_net" not in sys.modules and "the code runs" not in answer.out


def test_a_recipe_in_a_run_is_the_runs_and_a_recipe_elsewhere_is_ones_own(
    foreign: Path, call: Call, tmp_path: Path
) -> None:
    for verb in (("show",), ("train", "--out", tmp_path / "new"), ("tune", "--out", tmp_path / "new")):
        refused(call(verb[0], foreign / "recipe.toml", *verb[1:]), "nobody here named it")
    assert not (tmp_path / "new").exists()
    mine = tmp_path / "mine.toml"
    mine.write_text((foreign / "recipe.toml").read_text())
    assert call("show", mine).status == 0 and "evil_net" in sys.modules


def test_a_run_that_is_trusted_is_read(foreign: Path, call: Call) -> None:
    with pytest.raises(ComponentError, match="nobody here named it"):
        Run(foreign)
    assert Run(foreign, trust=True).recipe.backbone["name"] == "evil_net:Net"
    user_code._permitted.clear()
    user_code._trusted.clear()
    del sys.modules["evil_net"]
    other = foreign.parent / "other"
    refused(call("evaluate", foreign, "--split", "valid", "--trust", other), "nobody here named it")
    assert "evil_net" not in sys.modules
    assert call("evaluate", foreign, "--split", "valid", "--trust", foreign).status == 0


@pytest.mark.parametrize(
    "key",
    ["decoder.name", "split.name", "training.callbacks", "evaluation.metrics", "evaluation.estimands", "backbone.name"],
)
def test_every_name_of_a_recipe_is_data_in_a_run(own: Callable[[str], Run], tmp_path: Path, key: str) -> None:
    folder, values = own("ct").folder, None
    values = gr.Recipe.from_toml(folder / "recipe.toml").model_dump(mode="json")
    table, name = key.split(".")
    for path in ("evil_module:It", f"{tmp_path}/evil_file.py:It"):
        (tmp_path / "evil_file.py").write_text("raise SystemExit('ran')")
        values[table][name] = [path] if name.endswith("s") else path
        write_own_text(folder / "recipe.toml", _toml(values))
        with pytest.raises(gr.GraphrecError, match="nobody here named it"):
            Run(folder)


def _toml(values: dict) -> str:
    import tomli_w

    def without_none(value: object) -> object:
        if isinstance(value, dict):
            return {key: without_none(inner) for key, inner in value.items() if inner is not None}
        return value

    return tomli_w.dumps(without_none(values))


def test_a_class_in_a_file_is_named_by_its_path_and_may_be_retrained_and_evaluated(
    tiny_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "my_net.py").write_text(NET)
    monkeypatch.chdir(tmp_path)
    recipe = tiny_recipe("ct", "backbone.name=./nets/my_net.py:Net", "training.epochs=1")
    assert recipe.backbone["name"] == f"{tmp_path}/nets/my_net.py:Net"
    run = train(recipe, tmp_path / "run")
    assert list(run.manifest["custom_code"]) == ["graphrec_user_my_net"]
    assert train(recipe, tmp_path / "run").manifest == run.manifest
    monkeypatch.chdir(tmp_path / "nets")
    assert len(Run(tmp_path / "run").recommend(run.user_ids[:1], k=2)) == 2, "this process named it before"
    (tmp_path / "mine.toml").write_text(recipe.to_toml().replace(f"{tmp_path}/nets", "./nets"))
    assert Recipe.from_toml(tmp_path / "mine.toml") == recipe
    (tmp_path / "nets" / "my_net.py").write_text(NET + "# changed\n")
    with caplog.at_level("WARNING"):
        Run(tmp_path / "run", trust=True)
    assert "the file of `graphrec_user_my_net` changed since the run was trained" in caplog.text
    with pytest.raises(gr.GraphrecError, match="changed since the run"):
        train(Recipe.from_toml(tmp_path / "mine.toml"), tmp_path / "run")


def test_a_module_of_the_working_folder_is_named_with_how_to_name_it(
    tiny_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "evil_here.py").write_text(NET)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    with pytest.raises(UnknownNameError, match=r"did you mean `\./evil_here\.py:Net`\?"):
        tiny_recipe("ct", "backbone.name=evil_here:Net")


@pytest.mark.parametrize("path", ["nowhere.py:Net", "nets:Net", "./x.py:", ".py:Net", "x.py:No"])
def test_a_file_that_leads_nowhere_is_an_unknown_name(
    tiny_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    (tmp_path / "x.py").write_text("")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnknownNameError, match="unknown backbone"):
        tiny_recipe("ct", f"backbone.name={path}")


def test_the_working_folder_is_not_searched_for_modules(tmp_path: Path) -> None:
    """F2: files that are called like optional packages."""
    optional = (
        "torch_scatter",
        "numba",
        "triton",
        "numexpr",
        "bottleneck",
        "brotli",
        "cupy",
        "IPython",
        "faiss",
        "sklearn",
    )
    # And what is imported before anything of graphrec runs, or at once.
    needed = (
        "typer",
        "rich",
        "click",
        "numpy",
        "pydantic",
        "tomli_w",
        "torch",
        "pandas",
        "pyarrow",
        "scipy",
        "filelock",
    )
    names = (*optional, *needed)
    for name in names:
        (tmp_path / f"{name}.py").write_text("open('ran', 'w')")
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONSAFEPATH")}
    root = Path(gr.__file__).parents[1]
    code = f"import sys; sys.path.insert(1, {str(root)!r}); sys.argv = ['graphrec', 'list', 'backbones']; " + (
        "import runpy; runpy.run_module('graphrec', run_name='__main__', alter_sys=True)"
    )
    # `-c` puts the working folder on the path, as `-m` does.
    answer = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert answer.returncode == 0 and "lightgcn" in answer.stdout, answer.stderr
    assert not (tmp_path / "ran").exists()


def test_names_in_tables_never_become_paths(own: Callable[[str], Run], tmp_path: Path) -> None:
    """F6: an export wrote where a tensor's name led."""
    from safetensors.torch import save_file

    from graphrec.system.owned_folder import own_file
    from graphrec.training.checkpoint import load_weights

    run = own("ct")
    tensors, _ = load_weights(run.folder / "tables.safetensors")
    for name in ("../../user", "main/../user", "a/b/c/user", "./x/user", "main/\x00/user", "main/C:/user"):
        evil = {**tensors, name: tensors["main/fused/user"], name.replace("user", "item"): tensors["main/fused/item"]}
        with own_file(run.folder / "tables.safetensors") as file:
            save_file({key: value.clone() for key, value in evil.items()}, file)
        with pytest.raises(gr.GraphrecError):
            Run(run.folder).export(tmp_path / "deep" / "out")
    assert not (tmp_path / "deep").exists()


def test_links_are_not_followed_out_of_a_run(own: Callable[[str], Run], tmp_path: Path) -> None:
    """F7: the ledger was appended to whatever a link led to."""
    run = own("ct")
    secret = tmp_path / "secret.jsonl"
    secret.write_text("{}\n")
    (run.folder / "ledger.jsonl").symlink_to(secret)
    with pytest.raises(gr.GraphrecError, match="link"):
        run.evaluate()
    assert secret.read_text() == "{}\n"
    (run.folder / "ledger.jsonl").unlink()
    for name in ("metrics.json", "history.jsonl", "weights.safetensors", "recipe.toml", "run.json"):
        path = run.folder / name
        whole = path.read_bytes() if path.exists() else None
        path.unlink(missing_ok=True)
        path.symlink_to(secret)
        with pytest.raises(gr.GraphrecError, match="link"):
            opened = Run(run.folder)
            _ = opened.history, list(opened.results), opened.model
        path.unlink()
        if whole is not None:
            path.write_bytes(whole)
    assert Run(run.folder).history


def test_the_label_of_a_result_leads_to_no_other_file(own: Callable[[str], Run]) -> None:
    from graphrec.system.owned_folder import write_own_json

    run = own("ct")
    run.evaluate(["observational"], split="valid")
    entries = json.loads((run.folder / "metrics.json").read_text())
    entry = entries.pop("valid/observational") | {"result_set": "../../x", "estimand": "../y"}
    write_own_json(run.folder / "metrics.json", {"../../x/../y": entry})
    with pytest.raises(gr.GraphrecError):
        _ = Run(run.folder).results["../../x", "../y"].per_user
