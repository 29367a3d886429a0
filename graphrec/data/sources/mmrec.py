"""Folders prepared for multi-modal recommenders: MMRec's, and those of LATTICE, MICRO and MMSSL.

MMRec:

    NAME.inter            tab separated, header userID itemID rating timestamp x_label (0 train, 1 valid, 2 test),
                          among other columns; users and items are numbered from 0
    i_id_mapping.csv      tab separated, header asin itemID      (optional)
    u_id_mapping.csv      tab separated, header user_id userID   (optional)
    image_feat.npy, text_feat.npy, audio_feat.npy   [I, D], if present

The others: see `json_lists`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from graphrec.data.dataset import InteractionDataset
from graphrec.data.readers.chunks import Column, read_all, read_chunks
from graphrec.data.readers.events import EventBuilder
from graphrec.data.readers.given_splits import FeatureFiles, read_features
from graphrec.data.readers.layouts import find_layout
from graphrec.data.readers.raw_files import listing, provenance
from graphrec.data.source import Source, SourceOptions, sources
from graphrec.data.sources.json_lists import CORE, LISTS, load_json_lists
from graphrec.errors import DataError

# Shoppers see the picture before they open an item; its description, of which the text is made, after.
FEATURES: FeatureFiles = {
    "visual": ("image_feat.npy", "exposure"),
    "textual": ("text_feat.npy", "content"),
    "acoustic": ("audio_feat.npy", "content"),
}
HEADER = ("userID", "itemID", "rating", "timestamp", "x_label")
MAPPINGS = {"user": ("u_id_mapping.csv", "user_id", "userID"), "item": ("i_id_mapping.csv", "asin", "itemID")}
BEHAVIOURS = ("click", "like")
_COLUMNS = {name: Column(name, "float" if name == "rating" else "int") for name in HEADER}
_LAYOUTS = {
    "inter": (["*.inter"], "NAME.inter"),
    "json": ([CORE, *LISTS.values()], f"{', '.join(LISTS.values())}, here or in {CORE}/"),
}


class MMRecOptions(SourceOptions):
    """Options of the source `mmrec`.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.mmrec import MMRec, MMRecOptions
    >>> MMRec.write_fixture(Path("baby"))
    >>> for options in (MMRecOptions(), MMRecOptions(like_at=4)):
    ...     dataset = MMRec.load(Path("baby"), options)
    ...     print(dataset.feedback["like"], len(dataset.pairs("like")))
    ('click',) 30
    ('like',) 14
    """

    layout: Literal["auto", "inter", "json"] = "auto"
    """`inter`: MMRec's table of ratings; `json`: the lists of LATTICE, MICRO, MMSSL; `auto`: by the files."""
    like_at: float | None = None
    """`inter` only: least rating that is a like; by default every rating is a click and a like, as in MMRec."""


@sources.register("mmrec")
class MMRec(Source):
    """Amazon and other sets with ready-made features and split, as prepared for MMRec, LATTICE, MICRO or MMSSL.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.mmrec import MMRec
    >>> MMRec.write_fixture(Path("baby"))
    >>> sorted(path.name for path in Path("baby").iterdir())
    ['baby.inter', 'i_id_mapping.csv', 'image_feat.npy', 'text_feat.npy']
    >>> dataset = gr.load(gr.prepare("mmrec", "baby", "prepared"))
    >>> dataset.name, dataset.item_ids.tolist(), dataset.roles
    ('baby', ['B009X', 'B008X', 'B007X', 'B006X', 'B005X'], {'visual': 'exposure', 'textual': 'content'})
    >>> dataset.pairs("click")["part"].value_counts().to_dict()
    {'train': 18, 'valid': 6, 'test': 6}
    """

    Options = MMRecOptions

    @classmethod
    def load(cls, raw: Path, options: SourceOptions) -> InteractionDataset:
        assert isinstance(options, MMRecOptions)
        raw = Path(raw)
        layout = options.layout if options.layout != "auto" else find_layout(raw, "mmrec", _LAYOUTS)
        if layout == "inter":
            return _load_inter(raw, options)
        if options.like_at is not None:
            raise DataError(
                "the option like_at is for ratings", expected="the layout `inter`", got="lists without ratings",
                where="option like_at", next_step="drop it: every click is then a like as well",
            )  # fmt: skip
        return load_json_lists(raw, options, "mmrec", "json", FEATURES)

    @classmethod
    def write_fixture(cls, raw: Path, seed: int = 0) -> None:
        """Write six users and five items with ratings, pictures and texts in MMRec's layout."""
        raw.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(seed)
        lines = ["\t".join(HEADER)]
        for user in range(6):
            for position, item in enumerate(rng.permutation(5)):
                time = 1_300_000_000 + int(rng.integers(100_000))
                lines.append(f"{user}\t{item}\t{rng.integers(1, 6)}.0\t{time}\t{max(0, position - 2)}")
        (raw / "baby.inter").write_text("\n".join(lines) + "\n")
        (raw / "i_id_mapping.csv").write_text("asin\titemID\n" + "".join(f"B00{9 - i}X\t{i}\n" for i in range(5)))
        for modality in ("visual", "textual"):
            np.save(raw / FEATURES[modality][0], rng.normal(size=(5, 8)).astype(np.float32))


def _load_inter(raw: Path, options: MMRecOptions) -> InteractionDataset:
    tables = sorted(raw.glob("*.inter"))
    if len(tables) != 1:
        raise DataError("not one table of ratings", expected="one file NAME.inter", got=listing(raw), where=raw)
    features, files = read_features(raw, FEATURES)
    rows = next((len(feature.mask) for feature in features.values()), None)
    builder = EventBuilder(BEHAVIOURS)
    for chunk in read_chunks(tables[0], _COLUMNS, delimiter="\t", header=HEADER):
        users, items, ratings, times, parts = chunk.columns.values()
        chunk.expect("x_label", (parts >= 0) & (parts <= 2), "0 train, 1 valid or 2 test")
        chunk.expect("userID", users >= 0, "a number from 0")
        within = (items >= 0) & (items < (rows if rows is not None else np.iinfo(np.int64).max))
        chunk.expect("itemID", within, "a number from 0" + (f" to {rows - 1}, as features have rows" if rows else ""))
        builder.add(users, items, np.zeros(len(users)), times, parts)
        if options.like_at is not None:
            liked = ratings >= options.like_at
            builder.add(users[liked], items[liked], np.ones(int(liked.sum())), times[liked], parts[liked])
    used = [tables[0], *files, *(raw / name for name, _, _ in MAPPINGS.values() if (raw / name).is_file())]
    dataset = builder.build(
        tables[0].stem,
        feedback={"click": ("click",), "like": ("like",) if options.like_at is not None else ("click",)},
        provenance=provenance("mmrec", "inter", options, used),
    )
    # So far the ids are row numbers of the feature files, which may have rows of items without ratings.
    numbers = dataset.item_ids.astype(np.int64)
    spare = {} if rows is None else {"feature_rows_without_interactions": rows - len(numbers)}
    return replace(
        dataset,
        user_ids=_external(raw, "user", dataset.user_ids),
        item_ids=_external(raw, "item", dataset.item_ids),
        features={modality: feature.take(numbers) for modality, feature in features.items()},
        roles={modality: FEATURES[modality][1] for modality in features},
        provenance={**dataset.provenance, **spare},
    )


def _external(raw: Path, kind: str, numbers: np.ndarray) -> np.ndarray:
    """The ids that the numbers stand for, where the table of ids is present; else the numbers."""
    name, text, number = MAPPINGS[kind]
    file = raw / name
    if not file.is_file():
        return numbers
    chunk = read_all(
        file, {"id": Column(text, "str"), "number": Column(number, "int")}, delimiter="\t", header=(text, number)
    )
    for column, values in chunk.columns.items():
        chunk.expect(column, ~pd.Series(values).duplicated().to_numpy(), "each once")
    id_of = dict(zip(chunk.columns["number"].astype(str), chunk.columns["id"], strict=True))
    missing = [number for number in numbers if number not in id_of]
    if missing:
        raise DataError(f"{len(missing)} {kind}s are not listed", got=f"no {number} {missing[0]}", where=file)
    return np.asarray([id_of[number] for number in numbers], dtype=object)
