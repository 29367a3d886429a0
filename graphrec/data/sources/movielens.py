"""MovieLens (Harper and Konstan, TiiS 2015): ratings of films with genres, tags and, if present, plots.

As published since 2015 (`ml-latest`, `ml-latest-small`, `ml-25m`, ..): UTF-8, commas, a header, quoted values

    ratings.csv   userId,movieId,rating,timestamp
    movies.csv    movieId,title,genres
    tags.csv      userId,movieId,tag,timestamp                 (optional)

and before (`ml-1m`, `ml-10m`): columns separated by `::`, no header

    ratings.dat, movies.dat, tags.dat (optional; not in ml-1m)

Beside either, `ml_plot.zip` or `ml_plot.dat`: see `movielens_texts`. The third layout is MMGCN's: see `mmgcn`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field

from graphrec.data.bags import count_bag
from graphrec.data.dataset import Feature, InteractionDataset, ModalityRole
from graphrec.data.readers.chunks import Column, read_all, read_chunks
from graphrec.data.readers.events import EventBuilder
from graphrec.data.readers.given_splits import FeatureFiles
from graphrec.data.readers.layouts import find_layout
from graphrec.data.readers.raw_files import provenance, require_files
from graphrec.data.source import Source, SourceOptions, sources
from graphrec.data.sources.mmgcn import ARRAYS, load_mmgcn
from graphrec.data.sources.movielens_texts import PLOTS, read_dat_movies, read_plots, write_plots

BEHAVIOURS = ("click", "like")
NO_GENRES = "(no genres listed)"
MMGCN_FEATURES: FeatureFiles = {
    "visual": ("FeatureVideo_normal.npy", "content"),
    "acoustic": ("FeatureAudio_avg_normal.npy", "content"),
    "textual": ("FeatureText_stl_normal.npy", "exposure"),
}
ROLES: dict[str, ModalityRole] = {"genres": "exposure", "tags": "content", "plot": "content"}
_LAYOUTS = {
    "csv": (["ratings.csv"], "ratings.csv, movies.csv and, if present, tags.csv"),
    "dat": (["ratings.dat"], "ratings.dat, movies.dat and, if present, tags.dat"),
    "mmgcn": (list(ARRAYS.values()), ", ".join(ARRAYS.values()) + " and, if present, Feature*.npy"),
}
_RATINGS = {"userId": "int", "movieId": "int", "rating": "float", "timestamp": "int"}
_MOVIES = {"movieId": "int", "title": "str", "genres": "str"}
_TAGS = {"userId": "int", "movieId": "int", "tag": "str", "timestamp": "int"}


class MovieLensOptions(SourceOptions):
    """Options of the source `movielens`.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.movielens import MovieLens, MovieLensOptions
    >>> MovieLens.write_fixture(Path("ml"))
    >>> for options in (MovieLensOptions(), MovieLensOptions(like_at=3, tags_before=1_100_050_000)):
    ...     dataset = MovieLens.load(Path("ml"), options)
    ...     print(len(dataset.pairs("like")), dataset.features["tags"].provenance)
    12 tags.csv, tags counted, divided by their sum; left out: 0 in < 2 films
    19 tags.csv, tags counted, divided by their sum; left out: 0 in < 2 films, 20 not before 1100050000
    """

    layout: Literal["auto", "csv", "dat", "mmgcn"] = "auto"
    """`csv`: since 2015; `dat`: ml-1m and ml-10m; `mmgcn`: the arrays of MMGCN; `auto`: by the files."""
    like_at: float = Field(4.0, gt=0, le=5)
    """Least rating that is a like; every rating is a click. Not for `mmgcn`, which has no ratings."""
    tags_before: int | None = None
    """Only tags given before this unix time: later tags may reveal what a split by time holds out."""
    least_films: int = Field(2, ge=1)
    """Tags and words of fewer films are left out: a tag of a single film is no more than its id."""
    item_offset: int | None = Field(None, ge=0)
    """`mmgcn` only: what was added to the item ids, that is the number of users; found from the files by default."""


@sources.register("movielens")
class MovieLens(Source):
    """Ratings of films with genres, tags and plots (MovieLens, any edition, or as published with MMGCN).

    >>> from pathlib import Path
    >>> from graphrec.data.sources.movielens import MovieLens
    >>> MovieLens.write_fixture(Path("ml"))
    >>> sorted(path.name for path in Path("ml").iterdir())
    ['ml_plot.zip', 'movies.csv', 'ratings.csv', 'tags.csv']
    >>> dataset = gr.load(gr.prepare("movielens", "ml", "prepared"))
    >>> {name: feature.columns for name, feature in dataset.features.items()}
    {'genres': ('Comedy', 'Drama', 'War'), 'tags': ('slow, long', 'space'), 'plot': ('a', 'word0', 'word1', 'word2')}
    """

    Options = MovieLensOptions

    @classmethod
    def load(cls, raw: Path, options: SourceOptions) -> InteractionDataset:
        assert isinstance(options, MovieLensOptions)
        raw = Path(raw)
        layout = options.layout if options.layout != "auto" else find_layout(raw, "movielens", _LAYOUTS)
        if layout == "mmgcn":
            return load_mmgcn(raw, options, "movielens", MMGCN_FEATURES, options.item_offset)
        ratings, movies = files = require_files(raw, (f"ratings.{layout}", f"movies.{layout}"), f"movielens {layout}")
        extra = {name: raw / name for name in (f"tags.{layout}", *PLOTS) if (raw / name).is_file()}
        dataset = _events(ratings, options.like_at)
        items = pd.Index(dataset.item_ids.astype(np.int64))
        features = {"genres": _genres(movies, items)}
        if f"tags.{layout}" in extra:
            features["tags"] = _tags(extra[f"tags.{layout}"], items, options)
        for name in PLOTS[:1] if PLOTS[0] in extra else PLOTS[1:]:
            if name in extra:
                features["plot"] = read_plots(extra[name], items, options.least_films)
        used = [*files, *extra.values()]
        return replace(
            dataset,
            features=features,
            roles={modality: ROLES[modality] for modality in features},
            provenance={**provenance("movielens", layout, options, used), **dataset.provenance},
        )

    @classmethod
    def write_fixture(cls, raw: Path, seed: int = 0) -> None:
        """Write six users and eight films, one without genres, as CSV, with tags and zipped plots."""
        raw.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(seed)
        ratings, tags = [",".join(_RATINGS)], [",".join(_TAGS)]
        for user in range(1, 7):
            for film in rng.choice(8, size=5, replace=False):
                time = 1_100_000_000 + int(rng.integers(100_000))
                ratings.append(f"{user},{10 + film},{rng.integers(1, 11) / 2},{time}")
                tags.append(f'{user},{10 + film},"{rng.choice(["slow, long", "Space", "space"])}",{time + 5}')
        genres = ["Drama", "Drama|War", "Comedy", NO_GENRES]
        movies = [
            ",".join(_MOVIES),
            *(f'{10 + film},"Film, A ({1990 + film})",{genres[film % 4]}' for film in range(8)),
        ]
        for name, lines in (("ratings.csv", ratings), ("movies.csv", movies), ("tags.csv", tags)):
            (raw / name).write_text("\n".join(lines) + "\n")
        write_plots(raw / PLOTS[0], {10 + film: ["a", f"word{film % 3}"] for film in range(6)})


def _columns(file: Path, kinds: dict[str, str]) -> tuple[dict[str, Column], dict[str, object]]:
    """All columns, by name in a `.csv` and by position in a `.dat`, and how such a file is read."""
    named = file.suffix == ".csv"
    columns = {
        name: Column(name if named else position, kind, optional=name == "tag")  # type: ignore[arg-type]
        for position, (name, kind) in enumerate(kinds.items())
    }
    if named:
        return columns, {"delimiter": ",", "header": list(kinds), "quoted": True}
    return columns, {"delimiter": "::", "width": len(kinds)}


def _events(file: Path, like_at: float) -> InteractionDataset:
    columns, layout = _columns(file, _RATINGS)
    builder, rows = EventBuilder(BEHAVIOURS), 0
    for chunk in read_chunks(file, columns, **layout):  # type: ignore[arg-type]
        users, films, ratings, times = chunk.columns.values()
        chunk.expect("rating", (ratings > 0) & (ratings <= 5), "more than 0 and at most 5")
        liked = ratings >= like_at
        builder.add(users, films, np.zeros(len(users), dtype=np.int8), times)
        builder.add(users[liked], films[liked], np.ones(int(liked.sum()), dtype=np.int8), times[liked])
        rows += len(chunk)
    return builder.build("movielens", feedback={"click": ("click",), "like": ("like",)}, provenance={"rows": rows})


def _genres(file: Path, items: pd.Index) -> Feature:
    if file.suffix == ".dat":
        films, texts = read_dat_movies(file)
    else:
        columns, layout = _columns(file, _MOVIES)
        chunk = read_all(file, columns, **layout)
        films, texts = chunk.columns["movieId"], chunk.columns["genres"].tolist()
        chunk.expect("movieId", ~pd.Series(films).duplicated().to_numpy(), "one line a film")
    rows, names = [], []
    for row, text in zip(items.get_indexer(films).tolist(), texts, strict=True):
        for genre in text.split("|") if row >= 0 and text != NO_GENRES else ():
            rows.append(row)
            names.append(genre)
    return replace(count_bag(rows, names, len(items))[0], provenance=f"{file.name}, genres in equal shares")


def _tags(file: Path, items: pd.Index, options: MovieLensOptions) -> Feature:
    columns, layout = _columns(file, _TAGS)
    rows: list[int] = []
    words: list[str] = []
    late = 0
    for chunk in read_chunks(file, columns, **layout):  # type: ignore[arg-type]
        _, films, tags, times = chunk.columns.values()
        rows_of_tags = items.get_indexer(films)
        used = (tags != "") & (rows_of_tags >= 0)
        if options.tags_before is not None:
            late += int((used & (times >= options.tags_before)).sum())
            used &= times < options.tags_before
        rows += rows_of_tags[used].tolist()
        words += [tag.strip().lower() for tag in tags[used]]
    feature, rare = count_bag(rows, words, len(items), least=options.least_films)
    note = f"{file.name}, tags counted, divided by their sum; left out: {rare} in < {options.least_films} films"
    if options.tags_before is not None:
        note += f", {late} not before {options.tags_before}"
    return replace(feature, provenance=note)
