"""Kwai: one name for the two layouts in which the data is published."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from graphrec.data.dataset import InteractionDataset
from graphrec.data.readers.given_splits import FeatureFiles
from graphrec.data.readers.layouts import find_layout
from graphrec.data.readers.raw_files import with_world
from graphrec.data.source import Source, SourceOptions, sources
from graphrec.data.sources.kwai_challenge import LOG, VISUAL, load_challenge, write_challenge_fixture
from graphrec.data.sources.mmgcn import ARRAYS, load_mmgcn

MMGCN_FEATURES: FeatureFiles = {"visual": ("feat_v.pt", "exposure")}
_LAYOUTS = {
    "challenge": ([LOG], f"{LOG} and the folder {VISUAL}"),
    "mmgcn": (list(ARRAYS.values()), ", ".join(ARRAYS.values()) + " and, if present, feat_v.pt"),
}


class KwaiOptions(SourceOptions):
    """Options of the source `kwai`.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.kwai import Kwai, KwaiOptions
    >>> Kwai.write_fixture(Path("challenge"))
    >>> for options in (KwaiOptions(), KwaiOptions(visual=False)):
    ...     print(list(Kwai.load(Path("challenge"), options).features))
    ['visual']
    []
    """

    layout: Literal["auto", "challenge", "mmgcn"] = "auto"
    """`challenge`: the challenge's log and pictures; `mmgcn`: the arrays of MMGCN; `auto`: by the files."""
    visual: bool = True
    """`challenge` only: whether to read the pictures' features, which must then be there."""
    item_offset: int | None = Field(None, ge=0)
    """`mmgcn` only: what was added to the item ids, that is the number of users; found from the files by default."""


@sources.register("kwai")
class Kwai(Source):
    """Micro-videos with the features of their covers (Kuaishou challenge 2018, or as published with MMGCN).

    >>> from pathlib import Path
    >>> from graphrec.data.sources.kwai import Kwai
    >>> Kwai.write_fixture(Path("challenge"))
    >>> dataset = gr.load(gr.prepare("kwai", "challenge", "prepared"))
    >>> dataset.behaviours, dataset.feedback["like"]
    (('click', 'finish', 'thumbs_up', 'follow'), ('finish', 'thumbs_up'))
    >>> dataset.provenance["layout"], dataset.roles
    ('challenge', {'visual': 'exposure'})
    """

    Options = KwaiOptions

    @classmethod
    def load(cls, raw: Path, options: SourceOptions) -> InteractionDataset:
        assert isinstance(options, KwaiOptions)
        raw = Path(raw)
        layout = options.layout if options.layout != "auto" else find_layout(raw, "kwai", _LAYOUTS)
        if layout == "challenge":
            dataset = load_challenge(raw, options, options.visual)
        else:
            dataset = load_mmgcn(raw, options, "kwai", MMGCN_FEATURES, options.item_offset)
        return with_world(dataset, raw)

    @classmethod
    def write_fixture(cls, raw: Path, seed: int = 0) -> None:
        write_challenge_fixture(raw, seed)
