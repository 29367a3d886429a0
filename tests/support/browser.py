"""A page as a reader meets it: its elements in order, its words, and what a browser shows at each width."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

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

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, Any]]] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == [], self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        opened = self.open.pop()
        assert opened == tag, f"<{opened}> is closed by </{tag}>"

    def all(self, tag: str) -> list[dict[str, Any]]:
        return [attrs for name, attrs in self.elements if name == tag]


def seen(text: str) -> str:
    """The words of the page without its tags."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", text.replace("<wbr>", ""))))


def look_at(page: Path, tmp_path: Path) -> dict[int, dict[str, Any]]:
    """What a browser shows of the page, by the width of its window: a phone, paper and a desk.

    Skips without a browser. Its console must stay empty, and the page must fit each width, script nothing and have no
    text too small to read.
    """
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is on the path")
    probe = tmp_path / "probe.html"
    probe.write_text(PROBE.replace("REPORT", page.as_uri()))
    done = subprocess.run(
        [browser, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", probe.as_uri()],
        capture_output=True, text=True, timeout=90,
    )  # fmt: skip
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert console == [], console
    written = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    assert written, done.stderr
    views = {int(width): view for width, view in json.loads(unescape(written[1])).items()}
    assert sorted(views) == [390, 717, 1280]
    for width, view in views.items():
        fits = view["inner"] == width and view["wide"] <= width and view["poking"] == []
        assert fits, (width, view["inner"], view["wide"], view["poking"])
        assert view["scripts"] == 0 and view["small"] == [], (width, view["scripts"], view["small"])
    return views
