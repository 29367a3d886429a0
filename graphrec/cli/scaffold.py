"""`graphrec new`: the files a part of one's own starts from, which work and pass their test as they stand."""

from __future__ import annotations

import importlib.util
import keyword
import re
from pathlib import Path
from string import Template

from graphrec.backbones import backbones
from graphrec.errors import ComponentError

BACKBONE = Template('''\
"""$title: say here what it computes, and where it was published.

    X^0_id  = E                                                   users and items
    X^0_m   = [P_m ; mask * F_m W_m]                              users' preferences, items' features
    X^{l+1} = (1 - keep) D^{-1/2} A D^{-1/2} X^l + keep X^0       A the training pairs

A representation is its last X; `fused` is the mean over the ids and all modalities.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import nn

from graphrec.backbones import FUSED, ID, Backbone, BackboneConfig, Representation, fuse


class ${title}Config(BackboneConfig):
    """Its settings; `embedding_size` and `layers` are among those that every backbone has."""

    keep: float = Field(0.1, gt=0, le=1)
    """Share of its start that a node keeps in each layer."""


class $title(Backbone):
    """$title: ids and features, propagated with a share of the start kept; this line is for lists."""

    Config = ${title}Config
    cost = "M I D d + 2 (M + 1) L E d"

    def __init__(self, config, graph, role, outputs):
        super().__init__(config, graph, role, outputs)
        self.maps = nn.ParameterDict()
        for name in parts(graph, outputs):
            if name != ID and not graph.is_bag(name):
                self.maps[name] = nn.Parameter(torch.empty(graph.width(name), config.embedding_size))
                nn.init.xavier_normal_(self.maps[name])

    @classmethod
    def tables(cls, config, graph, outputs):
        """The embedding tables, which the recommender makes; decoders with two towers may share them."""
        shapes = {}
        for name in parts(graph, outputs):
            if name == ID:
                shapes[ID] = (graph.num_users + graph.num_items, config.embedding_size)
                continue
            shapes[f"preference_{name}"] = (graph.num_users, config.embedding_size)
            if graph.is_bag(name):  # words, categories: a learned vector each takes the place of W
                shapes[f"words_{name}"] = (graph.width(name), config.embedding_size)
        return shapes

    def forward(self, graph, tables):
        found = {name: self.propagated(graph, self.start(graph, tables, name)) for name in parts(graph, self.outputs)}
        if FUSED in self.outputs:
            found[FUSED] = fuse(list(found.values()))
        return {name: found[name] for name in self.outputs}

    def start(self, graph, tables, name):
        """X^0, `[U + I, d]`; an item without the modality is masked, its row is no data."""
        if name == ID:
            return tables[ID]
        weight = tables[f"words_{name}"] if graph.is_bag(name) else self.maps[name]
        features = graph.project(name, weight) * graph.mask(name).unsqueeze(1)
        return torch.cat([tables[f"preference_{name}"], features])

    def propagated(self, graph, start):
        propagate = graph.propagator(self.feedback_role, "symmetric")
        x = start
        for _ in range(self.config.layers):
            x = (1 - self.config.keep) * propagate(x) + self.config.keep * start
        return Representation(x[: graph.num_users], x[graph.num_users :])


def parts(graph, outputs):
    """The ids and the modalities that the wanted outputs need: no parameter is made that none of them uses."""
    return [name for name in (ID, *graph.modalities) if name in outputs or FUSED in outputs]
''')

BACKBONE_TEST = Template('''\
"""$title passes the suite that graphrec's own backbones pass."""

from graphrec.testing import BackboneContract


class Test$title(BackboneContract):
    name = "$name:$title"
''')


def new_backbone(name: str, folder: str | Path = ".") -> tuple[Path, Path, str]:
    """Write `NAME.py`, a small whole backbone, and `test_NAME.py`, its contract test.

    Returns:
        The two paths, and the import path by which a recipe names the class.

    Raises:
        ComponentError: `name` cannot be the name of a module and a class of one's own, or one of the files exists.
    """
    title = _class_name(name)
    files = {
        Path(folder) / f"{name}.py": BACKBONE.substitute(name=name, title=title),
        Path(folder) / f"test_{name}.py": BACKBONE_TEST.substitute(name=name, title=title),
    }
    for path in files:
        if path.exists():
            raise ComponentError(
                "will not overwrite a file",
                expected="a path that does not exist",
                got="a file" if path.is_file() else "a folder",
                where=path,
                next_step="choose another name or --out",
            )
    Path(folder).mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    backbone, test = files
    return backbone, test, f"{name}:{title}"


def _class_name(name: str) -> str:
    """`my_net` gives MyNet.

    Raises:
        ComponentError: the name cannot be used.
    """
    title = "".join(word[:1].upper() + word[1:] for word in name.split("_"))
    if not name.isidentifier() or keyword.iskeyword(name) or not title.isidentifier():
        got, problem = "a keyword of Python" if keyword.iskeyword(name) else "no identifier", "cannot name a module"
    elif name in backbones:
        got, problem = "a backbone of `graphrec list backbones`", "is taken"
    elif (place := _module_of(name)) is not None:
        got, problem = f"a module that Python finds at {place}", "is taken"
    elif re.search(rf"\b{title}\b", BACKBONE.template) or keyword.iskeyword(title):
        got, problem = f"the class would be called {title}, which the file uses for something else", "is taken"
    else:
        return title
    raise ComponentError(
        f"`{name}` {problem}",
        expected="letters, digits and underscores that name nothing yet, such as my_backbone",
        got=got,
        where="NAME",
        next_step="choose another name",
    )


def _module_of(name: str) -> str | None:
    """Where a module of that name is; a folder without `__init__.py`, which has no place, gives way to one."""
    spec = importlib.util.find_spec(name)
    return None if spec is None else spec.origin
