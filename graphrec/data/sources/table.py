"""Anyone's own interactions: one table, its columns named by options, features from files beside it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field

from graphrec.data.dataset import InteractionDataset, ModalityRole, dataset_from_events
from graphrec.data.filters import keep_active
from graphrec.data.sources.base import Source, SourceOptions, sources
from graphrec.data.sources.raw import provenance
from graphrec.data.sources.table_columns import as_ids, as_numbers, as_times, find_column
from graphrec.data.sources.table_features import parse_features, read_feature
from graphrec.data.sources.table_reader import find_table, read_table
from graphrec.errors import DataError, UnknownNameError


class TableOptions(SourceOptions):
    """Options of the source `table`. A column is a name, or its position from 0 where `header` is false."""

    user: str = "user"
    """Column of the user ids."""
    item: str = "item"
    """Column of the item ids."""
    behaviour: str | None = None
    """Column that says what the user did; without it every row is a click."""
    click: str | None = None
    """Behaviours that are the click, separated by commas; `click` by default. With `behaviour` only."""
    like: str | None = None
    """Behaviours that are the like, separated by commas; `like` by default. With `behaviour` only."""
    rating: str | None = None
    """Column of ratings: every row is a click, and one of at least `like_at` a like as well."""
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
    exposure: str = ""
    """Modalities seen before the click, separated by commas; the others are content."""
    min_pairs: int = Field(0, ge=0)
    """Keep only users and items with at least so many pairs, iterated until all have them."""


@sources.register("table")
class Table(Source):
    """Your own interactions from CSV, TSV or Parquet, with optional item features."""

    Options = TableOptions

    @classmethod
    def load(cls, raw: Path, options: SourceOptions) -> InteractionDataset:
        assert isinstance(options, TableOptions)
        _check_options(options)
        raw = Path(raw)
        feature_files = parse_features(options.features, raw if raw.is_dir() else raw.parent)
        used = [file for entry in feature_files for file in entry.files]
        path = find_table(raw, options.delimiter, {file.resolve() for file in used})
        frame = read_table(path, options.header, options.delimiter)
        events, feedback, unit = _events(frame, options, path)
        origin = provenance("table", "table", options, [path, *used])
        dataset = dataset_from_events(
            path.name.split(".")[0],
            events,
            feedback=feedback,
            provenance={**origin, "rows": len(frame), **({"time_unit": unit} if unit else {})},
            behaviour_order=("click", "like") if options.rating is not None else None,
        )
        features = {entry.modality: read_feature(entry, dataset.item_ids) for entry in feature_files}
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
    if options.delimiter is not None and len(options.delimiter) != 1:
        known = ("tab", "space", "comma", "\\t")
        if options.delimiter not in known:
            raise DataError("not a delimiter", expected=f"one character or one of {known}", got=options.delimiter)


def _events(
    frame: pd.DataFrame, options: TableOptions, path: Path
) -> tuple[pd.DataFrame, dict[str, tuple[str, ...]], str | None]:
    """The events with external ids, the feedback, and the unit of the times."""
    columns: dict[str, pd.Series | np.ndarray | str] = {
        "user": as_ids(find_column(frame, options.user, "user", path), path),
        "item": as_ids(find_column(frame, options.item, "item", path), path),
        "behaviour": "click",
    }
    unit = None
    if options.timestamp is not None:
        columns["timestamp"], unit = as_times(find_column(frame, options.timestamp, "timestamp", path), path)
    if options.behaviour is not None:
        behaviours = as_ids(find_column(frame, options.behaviour, "behaviour", path), path)
        columns["behaviour"] = behaviours
        feedback = {
            "click": _named(options.click or "click", "click", behaviours),
            "like": _named(options.like or "like", "like", behaviours),
        }
        return pd.DataFrame(columns, index=frame.index), feedback, unit
    events = pd.DataFrame(columns, index=frame.index)
    if options.rating is None:
        return events, {"click": ("click",), "like": ("click",)}, unit
    ratings = as_numbers(find_column(frame, options.rating, "rating", path), path)
    likes = events[ratings >= options.like_at].assign(behaviour="like")
    return pd.concat([events, likes], ignore_index=True), {"click": ("click",), "like": ("like",)}, unit


def _named(text: str, role: str, behaviours: pd.Series) -> tuple[str, ...]:
    known = sorted(behaviours.unique())
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in known:
            raise UnknownNameError("behaviour", name, known, where=f"option {role}")
    return names


def _roles(exposure: str, modalities: list[str]) -> dict[str, ModalityRole]:
    seen_before = [name.strip() for name in exposure.split(",") if name.strip()]
    for name in seen_before:
        if name not in modalities:
            raise UnknownNameError("modality", name, modalities, where="option exposure")
    return {name: "exposure" if name in seen_before else "content" for name in modalities}
