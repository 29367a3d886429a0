"""A person's own interactions: one table, its columns named by options, features from files next to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from graphrec.data.dataset import UNKNOWN, InteractionDataset, ModalityRole
from graphrec.data.filters import keep_active
from graphrec.data.readers.columns import as_ids, as_numbers, as_times, require_column
from graphrec.data.readers.events import EventBuilder
from graphrec.data.readers.raw_files import provenance
from graphrec.data.readers.tables import TableFile, find_table
from graphrec.data.source import Source, SourceOptions, sources
from graphrec.data.sources.table_features import parse_features, read_feature
from graphrec.errors import DataError, UnknownNameError

# Codes of behaviours are int8.
_MOST_BEHAVIOURS = 127


class TableOptions(SourceOptions):
    """Options of the source `table`. A column is a name, or its position from 0 where `header` is false.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.table import Table, TableOptions
    >>> Table.write_fixture(Path("mine"))
    >>> Path("mine/interactions.csv").read_text().split()[0]
    'user,item,rating,timestamp'
    >>> for options in (TableOptions(), TableOptions(rating="rating", like_at=3, timestamp="timestamp")):
    ...     dataset = Table.load(Path("mine"), options)
    ...     print(dataset.behaviours, len(dataset.pairs("like")), dataset.has_times)
    ('click',) 30 False
    ('click', 'like') 21 True
    """

    user: str = "user"
    """Column of the user ids."""
    item: str = "item"
    """Column of the item ids."""
    behaviour: str | None = None
    """Column of what the user did; without it every row is a click."""
    click: str | None = None
    """Behaviours that are the click, separated by commas; `click` by default. With `behaviour` only."""
    like: str | None = None
    """Behaviours that are the like, separated by commas; `like` by default. With `behaviour` only."""
    rating: str | None = None
    """Column of ratings: every row is a click, and a rating of at least `like_at` is a like as well."""
    like_at: float = 4.0
    """Least rating that is a like. With `rating` only."""
    timestamp: str | None = None
    """Column of times: whole numbers in any unit, or ISO dates and times."""
    header: bool = True
    """Whether the first line names the columns."""
    delimiter: str | None = None
    """One character, or `tab` or `space`; by default from the ending .csv or .tsv."""
    features: str = ""
    """`modality=file.npy@ids.txt` or `modality=file.parquet` (item id first), separated by commas."""
    encoders: str = ""
    """What made the features, as `modality=ENCODER` or `modality=ENCODER:LAYER`, separated by commas."""
    exposure: str = ""
    """Modalities seen before the click, separated by commas; the others are content."""
    min_pairs: int = Field(0, ge=0)
    """Keep only users and items with at least so many pairs, iterated until all have them."""


@sources.register("table")
class Table(Source):
    """Your own interactions from CSV, TSV or Parquet, with optional item features.

    >>> from pathlib import Path
    >>> import pandas as pd
    >>> rows = [("ann", "x", "view"), ("ann", "x", "buy"), ("ben", "y", "view")]
    >>> pd.DataFrame(rows, columns=["user", "item", "what"]).to_csv("mine.csv", index=False)
    >>> pd.DataFrame({"id": ["x", "y"], "length": [3, 5]}).to_parquet("items.parquet")
    >>> options = {"behaviour": "what", "click": "view", "like": "buy", "features": "shape=items.parquet"}
    >>> dataset = gr.load(gr.prepare("table", "mine.csv", "prepared", options))
    >>> dataset.user_ids.tolist(), dataset.feedback, dataset.features["shape"].values.tolist()
    (['ann', 'ben'], {'click': ('view',), 'like': ('buy',)}, [[3.0], [5.0]])
    """

    Options = TableOptions

    @classmethod
    def load(cls, raw: Path, options: SourceOptions) -> InteractionDataset:
        assert isinstance(options, TableOptions)
        _check_options(options)
        raw = Path(raw)
        feature_files = parse_features(options.features, raw if raw.is_dir() else raw.parent)
        used = [file for entry in feature_files for file in entry.files]
        path = find_table(raw, options.delimiter, {file.resolve() for file in used})
        events = _Events(options, path)
        file = TableFile(path, options.header, options.delimiter)
        for option, name in events.columns.items():
            require_column(file.names, name, option, path)
        # As a set, because two options may name one column.
        for frame in file.frames(set(events.columns.values())):
            events.add(frame)
        dataset = events.build(provenance("table", "table", options, [path, *used]))
        features = {entry.modality: read_feature(entry, dataset.item_ids) for entry in feature_files}
        for modality, (encoder, layer) in _encoders(options.encoders, list(features)).items():
            features[modality] = replace(features[modality], encoder=encoder, layer=layer)
        dataset = replace(dataset, features=features, roles=_roles(options.exposure, list(features)))
        return keep_active(dataset, options.min_pairs)

    @classmethod
    def write_fixture(cls, raw: Path, seed: int = 0) -> None:
        """Write `interactions.csv` with six users, eight items, ratings and times."""
        raw.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(seed)
        lines = ["user,item,rating,timestamp"]
        for user in range(6):
            for item in rng.choice(8, size=5, replace=False):
                lines.append(f"u{user},i{item},{rng.integers(1, 6)},{1_500_000_000 + rng.integers(100_000)}")
        (raw / "interactions.csv").write_text("\n".join(lines) + "\n")


def _check_options(options: TableOptions) -> None:
    both = options.behaviour is not None and options.rating is not None
    loose = options.behaviour is None and (options.click is not None or options.like is not None)
    if both or loose:
        raise DataError(
            "the options behaviour and rating exclude each other" if both else "click and like name behaviours",
            expected="behaviour with click and like, or rating with like_at, or neither",
            got=", ".join(sorted(options.model_fields_set)),
            where="options of the source `table`",
            next_step="drop one of them" if both else "name the column with the option behaviour",
        )
    words = ("tab", "space", "comma", "\\t")
    if options.delimiter is not None and options.delimiter not in words:
        one_byte = len(options.delimiter) == 1 and options.delimiter.isascii()
        if not one_byte or options.delimiter in '"\r\n\0':
            expected = f"an ASCII character other than a quote and a line break, or one of {', '.join(words)}"
            raise DataError("not a delimiter", expected=expected, got=repr(options.delimiter), where="option delimiter")


class _Events:
    """The events in the frames of a table.

    Args:
        path: the table, for errors.
    """

    def __init__(self, options: TableOptions, path: Path) -> None:
        self.options, self.path = options, path
        columns = {name: getattr(options, name) for name in ("user", "item", "behaviour", "rating", "timestamp")}
        self.columns = {option: name for option, name in columns.items() if name is not None}
        """The name of each column to read, by the option that says it."""
        self.behaviours = ["click", "like"] if options.rating is not None else []
        if options.rating is None and options.behaviour is None:
            self.behaviours = ["click"]
        self.builder = EventBuilder(self.behaviours)
        self.rows = 0
        self.unit: str | None = None

    def add(self, frame: pd.DataFrame) -> None:
        """Add the events of one frame."""
        columns = {option: frame[name] for option, name in self.columns.items()}
        users, items = (as_ids(columns[kind], self.path) for kind in ("user", "item"))
        times = self._times(columns["timestamp"]) if "timestamp" in columns else None
        codes = self._codes(columns["behaviour"]) if "behaviour" in columns else np.zeros(len(frame), dtype=np.int8)
        self.builder.add(users, items, codes, times)
        self.rows += len(frame)
        if "rating" in columns:
            likes = np.flatnonzero(as_numbers(columns["rating"], self.path) >= self.options.like_at)
            ones = np.ones(len(likes), dtype=np.int8)
            self.builder.add(users[likes], items[likes], ones, None if times is None else times[likes])

    def build(self, origin: dict[str, Any]) -> InteractionDataset:
        """The dataset of all frames."""
        options, names = self.options, sorted(self.behaviours)
        feedback: dict[str, tuple[str, ...]] = {
            "click": ("click",),
            "like": ("like" if options.rating is not None else "click",),
        }
        if options.behaviour is not None:
            feedback = {
                "click": _named(options.click or "click", "click", names),
                "like": _named(options.like or "like", "like", names),
            }
        unit = {"time_unit": self.unit} if self.unit else {}
        dataset = self.builder.build(
            self.path.name.split(".")[0], feedback=feedback, provenance={**origin, "rows": self.rows, **unit}
        )
        events = dataset.interactions
        # The behaviours came in order of appearance, which depends on the order of the rows.
        events["behaviour"] = events["behaviour"].cat.reorder_categories(names)
        return dataset

    def _times(self, column: pd.Series) -> np.ndarray:
        times, unit = as_times(column, self.path)
        if self.unit not in (None, unit):
            raise DataError(
                "times are whole numbers in some rows and ISO times in others",
                expected=f"times {self.unit}",
                got=f"times {unit}",
                where=f"{self.path}, from row {column.index[0] + 1} on (without the header)",
            )
        self.unit = unit
        return times

    def _codes(self, column: pd.Series) -> np.ndarray:
        codes, names = pd.factorize(as_ids(column, self.path))
        self.behaviours += [name for name in names if name not in self.behaviours]
        if len(self.behaviours) > _MOST_BEHAVIOURS:
            raise DataError(
                f"column `{column.name}` has too many values for behaviours",
                expected=f"at most {_MOST_BEHAVIOURS}",
                got=", ".join(self.behaviours[:5]) + ", ...",
                where=self.path,
                next_step="name another column with the option behaviour",
            )
        return np.asarray([self.behaviours.index(name) for name in names], dtype=np.int8)[codes]


def _named(text: str, option: str, behaviours: list[str]) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in behaviours:
            raise UnknownNameError("behaviour", name, behaviours, where=f"option {option}")
    return names


def _encoders(text: str, modalities: list[str]) -> dict[str, tuple[str, str]]:
    """Encoder and layer of each modality that is named, the layer unknown where it is not."""
    made_by = {}
    for entry in (part.strip() for part in text.split(",") if part.strip()):
        modality, equals, names = entry.partition("=")
        encoder, _, layer = names.strip().rpartition(":") if ":" in names else (names.strip(), "", UNKNOWN)
        if not (equals and encoder and layer):
            raise DataError(
                "not an encoder", expected="modality=ENCODER or modality=ENCODER:LAYER", got=f"`{entry}`",
                where="option encoders",
            )  # fmt: skip
        if modality.strip() not in modalities:
            raise UnknownNameError("modality", modality.strip(), modalities, where="option encoders")
        made_by[modality.strip()] = (encoder, layer)
    return made_by


def _roles(exposure: str, modalities: list[str]) -> dict[str, ModalityRole]:
    seen_before = [name.strip() for name in exposure.split(",") if name.strip()]
    for name in seen_before:
        if name not in modalities:
            raise UnknownNameError("modality", name, modalities, where="option exposure")
    return {name: "exposure" if name in seen_before else "content" for name in modalities}
