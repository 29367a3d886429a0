"""Tiktok: one name for the two layouts in which the data is found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from graphrec.data.dataset import InteractionDataset
from graphrec.data.sources.base import Source, SourceOptions, sources
from graphrec.data.sources.raw import listing
from graphrec.data.sources.tiktok_diffmm import FEATURES, PARTS, load_diffmm
from graphrec.data.sources.tiktok_icme import FILES, LOG, load_icme, write_icme_fixture
from graphrec.errors import DataError
from graphrec.files import read_json

WORLD = "world.json"
"""Lies beside simulated files; its settings go into the provenance, so that nobody takes a twin for the real thing."""


class TiktokOptions(SourceOptions):
    """Options of the source `tiktok`."""

    layout: Literal["auto", "icme", "diffmm"] = "auto"
    """`icme`: the challenge's log; `diffmm`: the matrices published with DiffMM; `auto`: by the files."""


@sources.register("tiktok")
class Tiktok(Source):
    """Micro-videos with visual, acoustic and title features (ICME 2019, or as published with DiffMM)."""

    Options = TiktokOptions

    @classmethod
    def load(cls, raw: Path, options: SourceOptions) -> InteractionDataset:
        assert isinstance(options, TiktokOptions)
        layout = options.layout if options.layout != "auto" else _detect(Path(raw))
        dataset = load_icme(raw, options) if layout == "icme" else load_diffmm(raw, options)
        world = Path(raw) / WORLD
        if not world.is_file():
            return dataset
        return replace(dataset, provenance={**dataset.provenance, "simulated": read_json(world)})

    @classmethod
    def write_fixture(cls, raw: Path, seed: int = 0) -> None:
        write_icme_fixture(raw, seed)


def _detect(raw: Path) -> str:
    icme = (raw / LOG).is_file()
    diffmm = any((raw / f"{PARTS['train']}{suffix}").is_file() for suffix in (".npz", ".pkl"))
    if icme != diffmm:
        return "icme" if icme else "diffmm"
    optional = ", ".join(name for name, _ in FEATURES.values())
    matrices = ", ".join(f"{stem}.npz or .pkl" for stem in PARTS.values())
    raise DataError(
        "both Tiktok layouts are here" if icme else "no Tiktok layout is here",
        expected=f"icme: {', '.join(FILES)}; or diffmm: {matrices} and, where at hand, {optional}",
        got=listing(raw),
        where=raw,
        next_step="set the option layout" if icme else "see datasets/tiktok/README.md for how to obtain the files",
    )
