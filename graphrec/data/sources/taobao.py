"""Taobao: one name for three logs of Tianchi, each in the layout in which it is published."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from graphrec.data.dataset import InteractionDataset
from graphrec.data.readers.layouts import find_layout
from graphrec.data.readers.raw_files import with_world
from graphrec.data.source import Source, SourceOptions, sources
from graphrec.data.sources.choice import Names, chosen
from graphrec.data.sources.taobao_ads import ADS, SAMPLE, load_ads
from graphrec.data.sources.taobao_ads import BEHAVIOURS as ADS_BEHAVIOURS
from graphrec.data.sources.taobao_ads import LOG as ADS_LOG
from graphrec.data.sources.taobao_tmall import BEHAVIOURS as TMALL_BEHAVIOURS
from graphrec.data.sources.taobao_tmall import LOG, load_tmall
from graphrec.data.sources.taobao_userbehavior import BEHAVIOURS, FILE, load_userbehavior, write_userbehavior_fixture
from graphrec.errors import DataError

PLEASED = ("cart", "fav", "buy")
_LAYOUTS = {
    "userbehavior": ((FILE,), FILE),
    "tmall": ((LOG,), LOG),
    "ads": ((SAMPLE,), f"{SAMPLE}, {ADS} and, for a like other than the click, {ADS_LOG}"),
}
_BEHAVIOURS = {"userbehavior": BEHAVIOURS, "tmall": TMALL_BEHAVIOURS, "ads": ADS_BEHAVIOURS[1:]}


class TaobaoOptions(SourceOptions):
    """Options of the source `taobao`.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.taobao import Taobao, TaobaoOptions
    >>> Taobao.write_fixture(Path("log"))
    >>> for options in (TaobaoOptions(), TaobaoOptions(like="any", window="official")):
    ...     dataset = Taobao.load(Path("log"), options)
    ...     print(dataset.feedback["like"], dataset.provenance["rows_dropped"])
    ('buy',) 0
    ('cart', 'fav', 'buy') 2
    """

    layout: Literal["auto", "userbehavior", "tmall", "ads"] = "auto"
    """`userbehavior`: UserBehavior.csv; `tmall`: user_log_format1.csv; `ads`: raw_sample.csv; `auto`: by the files."""
    like: Names = "buy"
    """Behaviours that are the like: names, several separated by commas; `any` is cart, fav and buy."""
    window: Literal["all", "official"] = "all"
    """`official` keeps the nine days that the owner names, 25 November to 3 December 2017; for `userbehavior` only."""
    min_pairs: int = Field(0, ge=0)
    """Keep only users and items with at least so many pairs of any behaviour, iterated until all have them."""


@sources.register("taobao")
class Taobao(Source):
    """Clicks, carts, favourites and buys of Taobao and Tmall (UserBehavior, Tmall's log, or displayed ads).

    >>> from pathlib import Path
    >>> from graphrec.data.sources.taobao import Taobao
    >>> Taobao.write_fixture(Path("log"))
    >>> dataset = gr.load(gr.prepare("taobao", "log", "prepared", {"like": "cart, buy"}))
    >>> dataset.provenance["layout"], dataset.feedback
    ('userbehavior', {'click': ('pv',), 'like': ('cart', 'buy')})
    >>> dataset.features["category"].columns, dataset.roles
    (('7', '8', '9'), {'category': 'exposure'})
    """

    Options = TaobaoOptions

    @classmethod
    def load(cls, raw: Path, options: SourceOptions) -> InteractionDataset:
        assert isinstance(options, TaobaoOptions)
        layout = options.layout if options.layout != "auto" else find_layout(Path(raw), "taobao", _LAYOUTS)
        like = chosen(options.like, _BEHAVIOURS[layout], every=PLEASED)
        if options.window != "all" and layout != "userbehavior":
            raise DataError(
                "the option window is for the layout `userbehavior`", expected="window=all", got=f"layout {layout}",
                where="option window", next_step="drop it",
            )  # fmt: skip
        if layout == "userbehavior":
            official = options.window == "official"
            dataset = load_userbehavior(raw, options, like, official=official, k=options.min_pairs)
        else:
            dataset = (load_tmall if layout == "tmall" else load_ads)(raw, options, like, k=options.min_pairs)
        return with_world(dataset, raw)

    @classmethod
    def write_fixture(cls, raw: Path, seed: int = 0) -> None:
        write_userbehavior_fixture(raw, seed)
