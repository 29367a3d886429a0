"""The HTML templates of the pages and of their sections, with the filters that they use."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from graphrec.report.primitives.tables import number


def template(name: str) -> Template:
    """A page of the folder `templates`.

    >>> page = template("check.html").render(title="A < B", lead="No error.", simulated=False, sections=[])
    >>> "<h1>A &lt; B</h1>" in page
    True
    """
    return _environment().get_template(name)


def template_of(owner: type) -> Template:
    """The template that a class names in `template`: a `.html` file next to its module, or the text itself.

    >>> class Greeting:
    ...     template = "<p>{{ name }}</p>"
    >>> template_of(Greeting).render(name="a & b")
    '<p>a &amp; b</p>'
    """
    text = owner.template  # type: ignore[attr-defined]
    if text.endswith(".html"):
        # A subclass in another file may keep the template of its base.
        writer = next(base for base in owner.__mro__ if "template" in vars(base))
        text = Path(inspect.getfile(writer)).with_name(text).read_text(encoding="utf-8")
    return _environment().from_string(text)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("graphrec", "report/templates"),
        autoescape=True,
        # A misspelt name in a template is then an error, not an empty text.
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["numeric"] = _is_numeric
    environment.filters["columns"] = lambda rows, count: [[row[n] for row in rows] for n in range(count)]
    environment.filters |= {
        "number": number,
        "thousands": "{:,}".format,
        "breakable": _breakable,
        "figures": _figures,
        "coded": _coded,
    }
    return environment


def _breakable(text: str) -> Markup:
    """Long estimand and metric labels may break after a colon, an underscore or an at sign."""
    # Escaped first, so that the tags put in are the only HTML.
    return Markup(re.sub(r"([:_@])", r"\1<wbr>", str(escape(text))))


def _coded(text: str) -> Markup:
    """What stands between backticks, as a docstring has it, set as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _figures(text: str) -> Markup:
    """`**.0712** [.0698, .0725]`: the mean, bold where it is marked so, and below it the interval."""
    shown = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", str(escape(text)))
    return Markup(re.sub(r" (\[[^\]]*\])$", r'<span class="interval">\1</span>', shown))


def _is_numeric(cells: Sequence[str]) -> bool:
    """Whether a column holds numbers, as tables write them, and nothing else but gaps."""
    return all(re.match(r"\**[-+<.]? ?\.?\d|–$|not run$|$", cell) for cell in cells)
