"""`graphrec new`: the files that a custom component starts from. They work, and pass their test, as they stand."""

from __future__ import annotations

import importlib
import importlib.util
import keyword
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from string import Template

from graphrec.errors import OUT, ComponentError, Phrase
from graphrec.registry import Registry

TEMPLATES = Path(__file__).parent / "templates"
"""`KIND.py.txt` is the component, `test.py.txt` the test of any kind. In them `$name` is the module, `$title` the
class, `$column` the name of a metric's results, and `$id` the id of a section's heading."""


class NewKind(StrEnum):
    """What can be started from a template.

    >>> from graphrec.cli.scaffold import NewKind
    >>> [str(kind) for kind in NewKind]
    ['backbone', 'decoder', 'source', 'metric', 'estimand', 'section']
    """

    backbone = "backbone"
    decoder = "decoder"
    source = "source"
    metric = "metric"
    estimand = "estimand"
    section = "section"


@dataclass(frozen=True)
class Scaffold:
    """The files that were written.

    Args:
        component: the file of the class.
        test: the file of its contract test.
        import_path: how a recipe or a command names the class.

    >>> from graphrec.cli.scaffold import NewKind, scaffold
    >>> files = scaffold(NewKind.metric, "own_hits")
    >>> files.component.name, files.test.name, files.import_path
    ('own_hits.py', 'test_own_hits.py', 'own_hits:OwnHits')
    """

    component: Path
    test: Path
    import_path: str


def scaffold(kind: NewKind, name: str, folder: str | Path = ".") -> Scaffold:
    """Write `NAME.py`, a small complete component, and `test_NAME.py`, its contract test.

    Args:
        kind: what the class is.
        name: of the module, such as `my_net`; its class is then `MyNet`.
        folder: where to write; made if it does not exist.

    Raises:
        ComponentError: `name` cannot name a module and a class, or one of the files exists.

    >>> from pathlib import Path
    >>> from graphrec.cli.scaffold import NewKind, scaffold
    >>> _ = scaffold(NewKind.backbone, "own_net", "mine")
    >>> sorted(path.name for path in Path("mine").iterdir())
    ['own_net.py', 'test_own_net.py']
    >>> scaffold(NewKind.backbone, "own-net", "mine")
    Traceback (most recent call last):
    graphrec.errors.ComponentError: `own-net` cannot name a module
      expected: a Python name (letters, digits, underscores) that names nothing yet, such as my_backbone
      got: not a Python name
      where: NAME
      next step: choose another name, such as own_net
    """
    template = (TEMPLATES / f"{kind}.py.txt").read_text(encoding="utf-8")
    title = _class_name(kind, name, template)
    if kind is NewKind.metric:
        _check_column(name.lower())
    fields = {
        "name": name,
        "title": title,
        "kind": str(kind),
        "plural": f"{kind}s",
        "contract": f"{kind.title()}Contract",
        "column": name.lower(),
        "id": name.replace("_", "-"),
    }
    test_template = (TEMPLATES / "test.py.txt").read_text(encoding="utf-8")
    component, test = Path(folder) / f"{name}.py", Path(folder) / f"test_{name}.py"
    # Both texts are made and both paths checked before the first file is written: there is never one without the
    # other.
    texts = {
        component: Template(template).substitute(fields),
        test: Template(test_template).substitute(fields),
    }
    for path in texts:
        if path.exists():
            raise ComponentError(
                "will not overwrite a file",
                expected="a path that does not exist",
                got="a file" if path.is_file() else "a folder",
                where=path,
                next_step=Phrase("choose another name or {}", OUT),
            )
    Path(folder).mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
        # Mode "x" refuses a file that another process wrote since the check above.
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    return Scaffold(component, test, f"{name}:{title}")


def _class_name(kind: NewKind, name: str, template: str) -> str:
    """`my_net` gives MyNet.

    Raises:
        ComponentError: the name cannot be used.
    """
    title = "".join(word[:1].upper() + word[1:] for word in name.split("_"))
    other = "choose another name"
    if keyword.iskeyword(name):
        got, problem = "a keyword of Python", "cannot name a module"
    elif not name.isidentifier() or not title.isidentifier():
        got, problem = "not a Python name", "cannot name a module"
        if suggestion := _as_python_name(name):
            other += f", such as {suggestion}"
    elif name in registry_of(kind):
        got, problem = f"a {kind} of `graphrec list {kind}s`", "is taken"
    elif (origin := _module_origin(name)) is not None:
        got, problem = f"a module that Python finds at {origin}", "is taken"
    elif re.search(rf"\b{title}\b", template) or keyword.iskeyword(title):
        got, problem = f"the class would be called {title}, which the file uses for something else", "is taken"
    else:
        return title
    raise ComponentError(
        f"`{name}` {problem}",
        expected=f"a Python name (letters, digits, underscores) that names nothing yet, such as my_{kind}",
        got=got,
        where="NAME",
        next_step=other,
    )


def _as_python_name(text: str) -> str:
    """The Python name nearest to a text, such as own_net of own-net; empty where nothing is left of it."""
    words = re.findall(r"[^\W_]+", text)
    name = "_".join(words if words[:1] and words[0].isidentifier() else ["my", *words])
    return name if words and not keyword.iskeyword(name) else ""


def _check_column(name: str) -> None:
    from graphrec.evaluation.metrics.base import check_name

    check_name(name)


def _module_origin(name: str) -> str | None:
    """The file of a module of that name. A folder without `__init__.py` has none, and gives way to a file."""
    spec = importlib.util.find_spec(name)
    return None if spec is None else spec.origin


REGISTRIES = {
    NewKind.backbone: ("graphrec.backbones", "backbones"),
    NewKind.decoder: ("graphrec.decoders", "decoders"),
    NewKind.source: ("graphrec.data.sources", "sources"),
    NewKind.metric: ("graphrec.evaluation.metrics", "metrics"),
    NewKind.estimand: ("graphrec.causal", "estimands"),
    NewKind.section: ("graphrec.report.run_page", "report_sections"),
}
"""Module and name of each kind's registry."""


def registry_of(kind: NewKind) -> Registry:
    """The registry of a kind; imported when it is needed, as torch takes seconds to load.

    >>> from graphrec.cli.scaffold import NewKind, registry_of
    >>> registry_of(NewKind.source).get("coat").__name__
    'Coat'
    """
    module, name = REGISTRIES[kind]
    return getattr(importlib.import_module(module), name)
