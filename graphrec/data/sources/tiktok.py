"""Tiktok: one name for the four layouts in which the data is published."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from graphrec.data.dataset import InteractionDataset
from graphrec.data.readers.given_splits import FeatureFiles
from graphrec.data.readers.layouts import find_layout
from graphrec.data.readers.raw_files import with_world
from graphrec.data.source import Source, SourceOptions, sources
from graphrec.data.sources.json_lists import LISTS, load_json_lists
from graphrec.data.sources.mmgcn import ARRAYS, load_mmgcn
from graphrec.data.sources.tiktok_diffmm import FEATURES, PARTS, load_diffmm
from graphrec.data.sources.tiktok_icme import FILES, load_icme, write_icme_fixture

MMGCN_FEATURES: FeatureFiles = {
    "visual": ("feat_v.pt", "content"),
    "acoustic": ("feat_a.pt", "content"),
    "textual": ("feat_t.pt", "exposure"),
}
_OPTIONAL = ", ".join(name for name, _ in FEATURES.values())
_LAYOUTS = {
    "icme": (FILES[:1], ", ".join(FILES)),
    "diffmm": (
        [f"{PARTS['train']}{suffix}" for suffix in (".npz", ".pkl")],
        ", ".join(f"{stem}.npz or .pkl" for stem in PARTS.values()) + f" and, if present, {_OPTIONAL}",
    ),
    "mmgcn": (
        list(ARRAYS.values()),
        ", ".join(ARRAYS.values()) + " and, if present, feat_v.pt, feat_a.pt, feat_t.pt",
    ),
    "mmssl": (list(LISTS.values()), ", ".join(LISTS.values()) + f" and, if present, {_OPTIONAL}"),
}


class TiktokOptions(SourceOptions):
    """Options of the source `tiktok`.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.tiktok import Tiktok, TiktokOptions
    >>> TiktokOptions()
    TiktokOptions(layout='auto', item_offset=None)
    >>> Tiktok.write_fixture(Path("challenge"))
    >>> Tiktok.load(Path("challenge"), TiktokOptions()).provenance["layout"]
    'icme'
    >>> Tiktok.load(Path("challenge"), TiktokOptions(layout="mmssl"))
    Traceback (most recent call last):
    graphrec.errors.DataError: the layout `tiktok mmssl` lacks train.json, val.json, test.json
      expected: a folder with train.json, val.json, test.json
      got: final_track2_train.txt, track2_audio_features.txt, track2_title.txt, track2_video_features.txt
      where: challenge
      next step: `graphrec datasets tiktok` says which files are needed and how to obtain them
    """

    layout: Literal["auto", "icme", "diffmm", "mmgcn", "mmssl"] = "auto"
    """`icme`: the challenge's log; `diffmm`: the matrices published with DiffMM; `mmgcn`: the arrays of MMGCN and CR;
    `mmssl`: the lists published with MMSSL; `auto`: by the files."""
    item_offset: int | None = Field(None, ge=0)
    """`mmgcn` only: what was added to the item ids, that is the number of users; found from the files by default."""


@sources.register("tiktok")
class Tiktok(Source):
    """Micro-videos with visual, acoustic and title features (ICME 2019, or published with MMGCN, CR, DiffMM, MMSSL).

    >>> from pathlib import Path
    >>> from graphrec.data.sources.tiktok_diffmm import write_diffmm_fixture
    >>> write_diffmm_fixture(Path("matrices"))
    >>> dataset = gr.load(gr.prepare("tiktok", "matrices", "prepared"))
    >>> dataset.provenance["layout"], dataset.num_users, dataset.num_items, dataset.roles
    ('diffmm', 7, 5, {'visual': 'exposure', 'acoustic': 'content'})
    """

    Options = TiktokOptions

    @classmethod
    def load(cls, raw: Path, options: SourceOptions) -> InteractionDataset:
        assert isinstance(options, TiktokOptions)
        layout = options.layout if options.layout != "auto" else find_layout(Path(raw), "tiktok", _LAYOUTS)
        if layout == "icme":
            dataset = load_icme(raw, options)
        elif layout == "diffmm":
            dataset = load_diffmm(raw, options)
        elif layout == "mmgcn":
            dataset = load_mmgcn(raw, options, "tiktok", MMGCN_FEATURES, options.item_offset)
        else:
            dataset = load_json_lists(raw, options, "tiktok", "mmssl", FEATURES)
        return with_world(dataset, raw)

    @classmethod
    def write_fixture(cls, raw: Path, seed: int = 0) -> None:
        write_icme_fixture(raw, seed)
