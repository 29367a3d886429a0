"""Coat: shopping for coats, with a test split of uniformly random exposure (Schnabel et al., ICML 2016).

Files, numbers separated by spaces:

train.ascii                                 [U, I] ratings 1 to 5 of coats that the users chose, 0 where there is none
test.ascii                                  [U, I] likewise, of coats drawn uniformly at random
user_item_features/item_features.ascii      [I, D] zeros and ones
user_item_features/item_features_map.txt    a line a column, `attribute:value`
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field

from graphrec.data.bags import bag
from graphrec.data.dataset import Feature, InteractionDataset
from graphrec.data.readers.lines import read_lines
from graphrec.data.readers.raw_files import provenance, require_files, with_world
from graphrec.data.source import Source, SourceOptions, sources
from graphrec.data.sources.randomised import TEST, TRAIN, RandomisedOptions, with_valid
from graphrec.errors import DataError

FOLDER = "user_item_features"
FILES = ("train.ascii", "test.ascii", f"{FOLDER}/item_features.ascii", f"{FOLDER}/item_features_map.txt")
BEHAVIOURS = ("click", "like")
STARS = 5


class CoatOptions(RandomisedOptions):
    """Options of the source `coat`.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.coat import Coat, CoatOptions
    >>> Coat.write_fixture(Path("coat"))
    >>> CoatOptions().like_at
    4
    >>> [len(Coat.load(Path("coat"), CoatOptions(like_at=stars)).pairs("like")) for stars in (1, 4, 5)]
    [56, 28, 14]
    """

    like_at: int = Field(4, ge=1, le=STARS)
    """Least rating that is a like; every rating is a click."""


@sources.register("coat")
class Coat(Source):
    """Ratings of coats with attributes; the test split was exposed uniformly at random.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.coat import Coat
    >>> Coat.write_fixture(Path("coat"))
    >>> dataset = gr.load(gr.prepare("coat", "coat", "prepared"))
    >>> {name: feature.columns for name, feature in dataset.features.items()}
    {'gender': ('men', 'women'), 'jackettype': ('rain', 'track'), 'color': ('red', 'blue')}
    >>> dataset.provenance["randomised_exposure"], dataset.pairs("click")["part"].value_counts().to_dict()
    ('test', {'train': 33, 'test': 21, 'valid': 2})
    """

    Options = CoatOptions

    @classmethod
    def load(cls, raw: Path, options: SourceOptions) -> InteractionDataset:
        assert isinstance(options, CoatOptions)
        train_file, test_file, features_file, names_file = files = require_files(raw, FILES, "coat")
        train, test = read_numbers(train_file, STARS), read_numbers(test_file, STARS)
        if train.shape != test.shape:
            expected = f"{list(train.shape)} as in {train_file.name}"
            raise DataError("the parts differ in shape", expected=expected, got=list(test.shape), where=test_file)
        dataset = InteractionDataset(
            name="coat",
            user_ids=np.arange(train.shape[0]).astype(str).astype(object),
            item_ids=np.arange(train.shape[1]).astype(str).astype(object),
            interactions=_events(train, test, options.like_at),
            feedback={"click": ("click",), "like": ("like",)},
            provenance=provenance("coat", "coat", options, files, folder=Path(raw)),
            features=(features := _attributes(features_file, names_file, train.shape[1])),
            roles=dict.fromkeys(features, "exposure"),
        )
        return with_world(with_valid(dataset, options), raw)

    @classmethod
    def write_fixture(cls, raw: Path, seed: int = 0) -> None:
        """Write seven users and nine coats of three attributes, one coat without a colour."""
        (raw / FOLDER).mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(seed)
        order = np.argsort(rng.random((7, 9)), axis=1)
        for name, columns in (("train.ascii", order[:, :5]), ("test.ascii", order[:, 5:8])):
            ratings = np.zeros((7, 9), dtype=int)
            np.put_along_axis(ratings, columns, rng.integers(1, STARS + 1, size=columns.shape), axis=1)
            np.savetxt(raw / name, ratings, fmt="%d")
        names = ["gender:men", "gender:women", "jackettype:rain", "jackettype:track", "color:red", "color:blue"]
        attributes = np.zeros((9, len(names)), dtype=int)
        for first in (0, 2, 4):
            attributes[np.arange(9), first + rng.integers(2, size=9)] = 1
        attributes[3, 4:] = 0
        np.savetxt(raw / FOLDER / "item_features.ascii", attributes, fmt="%d")
        (raw / FOLDER / "item_features_map.txt").write_text("".join(f"{name}\n" for name in names))


def read_numbers(file: Path, largest: int) -> np.ndarray:
    """A matrix of whole numbers from 0 to `largest`, as int64.

    Raises:
        DataError: names file and line of a value that is none, or of a line of another length than the first.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.coat import read_numbers
    >>> _ = Path("train.ascii").write_text("0 5 3")
    >>> read_numbers(Path("train.ascii"), largest=5).tolist()
    [[0, 5, 3]]
    >>> read_numbers(Path("train.ascii"), largest=4)
    Traceback (most recent call last):
    graphrec.errors.DataError: bad value
      expected: 0 to 4
      got: '5'
      where: train.ascii:1
    """
    allowed = {str(number): number for number in range(largest + 1)}
    rows: list[list[int]] = []
    for where, line in read_lines(file):
        cells = line.split()
        if rows and len(cells) != len(rows[0]):
            raise DataError(
                "the lines differ in length", expected=f"{len(rows[0])} values", got=len(cells), where=where
            )
        wrong = [cell for cell in cells if cell not in allowed]
        if wrong:
            raise DataError("bad value", expected=f"0 to {largest}", got=repr(wrong[0][:80]), where=where)
        rows.append([allowed[cell] for cell in cells])
    return np.asarray(rows, dtype=np.int64)


def _events(train: np.ndarray, test: np.ndarray, like_at: int) -> pd.DataFrame:
    tables = []
    for part, ratings in ((TRAIN, train), (TEST, test)):
        for code, least in enumerate((1, like_at)):
            users, items = np.nonzero(ratings >= least)
            tables.append(pd.DataFrame({"user": users, "item": items, "behaviour": code, "part": part}))
    events = pd.concat(tables, ignore_index=True)
    if len(events) == 0:
        raise DataError("the matrices hold no ratings", expected="ratings from 1 to 5", got="zeros alone")
    events["behaviour"] = pd.Categorical.from_codes(events["behaviour"].astype(np.int8), categories=list(BEHAVIOURS))
    events["part"] = pd.Categorical.from_codes(events["part"].astype(np.int8), categories=["train", "valid", "test"])
    return events


def _attributes(file: Path, names_file: Path, items: int) -> dict[str, Feature]:
    """One modality for each attribute; an item of which no value is marked lacks it."""
    marks = read_numbers(file, 1)
    names = []
    for where, line in read_lines(names_file):
        attribute, colon, value = line.strip().partition(":")
        if not (attribute and colon and value):
            raise DataError("not the name of a column", expected="attribute:value", got=repr(line[:80]), where=where)
        names.append(line.strip())
    if marks.shape != (items, len(names)):
        expected = f"[{items}, {len(names)}]: a line an item, a column for each line of {names_file.name}"
        raise DataError("the attributes have a wrong shape", expected=expected, got=list(marks.shape), where=file)
    features = {}
    attributes = [name.partition(":")[0] for name in names]
    for attribute in dict.fromkeys(attributes):
        columns = [column for column, other in enumerate(attributes) if other == attribute]
        rows, labels = np.nonzero(marks[:, columns])
        values = [names[column].partition(":")[2] for column in columns]
        feature = bag(rows, labels, np.ones(len(rows)), (items, len(columns)), values)
        note = f"{FOLDER}/{file.name}, one-hot"
        features[attribute] = Feature(feature.values, feature.mask, feature.columns, note)
    return features
