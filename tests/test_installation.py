"""graphrec installed into fresh environments: editable beside a script, and as a wheel away from the clone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from support.paths import ROOT

BUILD = ("--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet")
RECIPE = """
[data]
path = "prepared"
[backbone]
name = "mf"
embedding_size = 8
[decoder]
name = "ct"
[training]
epochs = 1
"""


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """The Python of a fresh environment that shares the installed packages, but not how graphrec is installed here."""
    folder = tmp_path / "environment"
    venv.create(folder, symlinks=os.name != "nt", with_pip=False)
    scripts = "Scripts" if os.name == "nt" else "bin"
    interpreter = folder / scripts / Path(sys.executable).name
    own = Path(call(interpreter, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", at=tmp_path).strip())
    # This line adds a folder to the path. The .pth files in that folder, such as that of an editable install, have no
    # effect there.
    (own / "shared.pth").write_text(sysconfig.get_path("purelib"))
    return interpreter


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy of what a clone holds, in a folder called `graphrec`."""
    folder = tmp_path / "work" / "graphrec"
    skipped = shutil.ignore_patterns("__pycache__", "raw", "prepared*")
    for name in ("graphrec", "datasets"):
        shutil.copytree(ROOT / name, folder / name, ignore=skipped)
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


def call(program: Path | str, *arguments: object, at: Path) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run([str(program), *map(str, arguments)], cwd=at, env=clean, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pip(interpreter: Path, *arguments: object, at: Path) -> None:
    call(sys.executable, "-m", "pip", "--python", interpreter, *arguments, *BUILD, at=at)


def test_a_script_beside_the_clone_finds_the_package(clone: Path, python: Path) -> None:
    pip(python, "install", "--editable", clone, at=clone.parent)
    script = clone.parent / "script.py"
    script.write_text("import graphrec as gr\nprint(gr.__file__, gr.GraphrecError.__module__)\n")
    assert call(python, script, at=clone.parent).split() == [str(clone / "graphrec" / "__init__.py"), "graphrec.errors"]


@pytest.mark.slow
def test_the_wheel_works_away_from_the_clone(clone: Path, python: Path, tmp_path: Path) -> None:
    pip(python, "wheel", clone, "--wheel-dir", tmp_path / "wheels", at=tmp_path)
    (wheel,) = (tmp_path / "wheels").glob("graphrec-*.whl")
    pip(python, "install", wheel, at=tmp_path)
    shutil.rmtree(clone)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "recipe.toml").write_text(RECIPE)

    def graphrec(*arguments: object) -> str:
        return call(python, "-m", "graphrec", *arguments, at=folder)

    where = call(python, "-c", "import graphrec; print(graphrec.__file__)", at=folder)
    assert where.startswith(str(tmp_path / "environment"))
    assert "tiktok" in graphrec("datasets") and "licence" in graphrec("datasets", "tiktok")
    graphrec("simulate", "tiktok", "--out", "raw", "--users", 60, "--items", 40, "--set", "shown=20")
    graphrec("prepare", "tiktok", "--raw", "raw", "--out", "prepared")
    graphrec("check", "prepared", "--out", "check.html")
    graphrec("train", "recipe.toml", "--out", "run")
    assert "CT" in graphrec("evaluate", "run")
    graphrec("compare", "run", "--out", "report.html")
    assert all("<html" in (folder / page).read_text(encoding="utf-8") for page in ("check.html", "report.html"))
    graphrec("new", "backbone", "my_net")
    assert "passed" in call(python, "-m", "pytest", "-q", "test_my_net.py", "-k", "gradient or planted", at=folder)
    assert "graphrec/py.typed" in _names(wheel) and any(name.endswith("licenses/LICENSE") for name in _names(wheel))


def _names(wheel: Path) -> list[str]:
    from zipfile import ZipFile

    with ZipFile(wheel) as archive:
        return archive.namelist()
