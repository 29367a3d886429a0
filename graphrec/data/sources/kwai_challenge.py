"""Kwai as published for the Kuaishou User Interest Modeling Challenge (China MM 2018).

    train_interaction.txt   tab separated, no header: user_id, photo_id, click, like, follow, time, playing_time,
                            duration_time
    final_visual_train/     for each photo a numpy file [1, D], named by its id, with or without `.npy`

A row is a video that was shown; it is a click if the user opened it. The like is a thumb, or a video watched to its
end, as in HCR's experiments; the latter has no label here, so we take a click with playing_time >= duration_time.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import numpy as np

from graphrec.data.dataset import UNKNOWN, Feature, InteractionDataset
from graphrec.data.readers.chunks import Column, read_chunks
from graphrec.data.readers.events import EventBuilder
from graphrec.data.readers.raw_files import listing, provenance, require_files
from graphrec.data.source import SourceOptions
from graphrec.errors import DataError

LOG, VISUAL = "train_interaction.txt", "final_visual_train"
BEHAVIOURS = ("click", "finish", "thumbs_up", "follow")
_LABELS = ("click", "like", "follow")
_COLUMNS = {
    "user_id": Column(0, "int"),
    "photo_id": Column(1, "int"),
    "click": Column(2, "int"),
    "like": Column(3, "int"),
    "follow": Column(4, "int"),
    "time": Column(5, "int"),
    "playing_time": Column(6, "float"),
    "duration_time": Column(7, "float"),
}


def load_challenge(raw: Path, options: SourceOptions, visual: bool) -> InteractionDataset:
    """Read the folder `raw`. Rows without any feedback are counted and left out, and with them their users and photos.

    Args:
        options: recorded in the provenance.
        visual: whether to read the pictures' features too.

    Raises:
        DataError: a file is missing or malformed; names file and line.

    >>> from pathlib import Path
    >>> from graphrec.data.source import SourceOptions
    >>> from graphrec.data.sources.kwai_challenge import load_challenge, write_challenge_fixture
    >>> write_challenge_fixture(Path("challenge"))
    >>> dataset = load_challenge(Path("challenge"), SourceOptions(), visual=True)
    >>> dataset.provenance["rows"], dataset.provenance["rows_without_feedback"], len(dataset.pairs("click"))
    (36, 11, 25)
    >>> dataset.features["visual"].values.shape, dataset.provenance["photos_without_picture"]
    ((8, 16), 1)
    """
    (log,) = require_files(raw, [LOG], "kwai challenge")
    builder = EventBuilder(BEHAVIOURS)
    rows = unanswered = 0
    for chunk in read_chunks(log, _COLUMNS, delimiter="\t", width=8):
        columns = chunk.columns
        for name in _LABELS:
            chunk.expect(name, (columns[name] == 0) | (columns[name] == 1), "0 or 1")
        click, thumb, follow = (columns[name] == 1 for name in _LABELS)
        duration = columns["duration_time"]
        # Without the second condition a duration of 0 would make every view a finished one.
        finish = click & (duration > 0) & (columns["playing_time"] >= duration)
        for code, happened in enumerate((click, finish, thumb, follow)):
            rows_with = np.flatnonzero(happened)
            codes = np.full(len(rows_with), code, dtype=np.int8)
            builder.add(
                columns["user_id"][rows_with],
                columns["photo_id"][rows_with],
                codes,
                timestamps=columns["time"][rows_with],
            )
        rows += len(chunk)
        unanswered += int((~(click | thumb | follow)).sum())
    origin = {**provenance("kwai", "challenge", options, [log]), "rows": rows, "rows_without_feedback": unanswered}
    feedback = {"click": ("click",), "like": ("finish", "thumbs_up")}
    dataset = builder.build("kwai", feedback=feedback, provenance=origin)
    if not visual:
        return dataset
    feature, digest = _pictures(Path(raw) / VISUAL, dataset.item_ids)
    return replace(
        dataset,
        features={"visual": feature},
        roles={"visual": "exposure"},
        provenance={**origin, "visual_sha256": digest, "photos_without_picture": int((~feature.mask).sum())},
    )


def write_challenge_fixture(raw: Path, seed: int = 0) -> None:
    """Write six users and eight photos, one of them without a picture.

    >>> from pathlib import Path
    >>> from graphrec.data.sources.kwai_challenge import write_challenge_fixture
    >>> write_challenge_fixture(Path("challenge"))
    >>> sorted(path.name for path in Path("challenge").iterdir())
    ['final_visual_train', 'train_interaction.txt']
    >>> len(list(Path("challenge/final_visual_train").iterdir()))
    7
    >>> Path("challenge/train_interaction.txt").read_text().split()[:8]
    ['70', '501', '1', '0', '0', '1500063227', '18', '12']
    """
    (raw / VISUAL).mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    lines = []
    for user in range(6):
        for photo in rng.choice(8, size=6, replace=False):
            click = int(rng.random() < 0.7)
            like, played = click * int(rng.random() < 0.4), click * int(rng.integers(1, 20))
            time = 1_500_000_000 + int(rng.integers(100_000))
            lines.append(f"{70 + user}\t{500 + photo}\t{click}\t{like}\t0\t{time}\t{played}\t12\n")
    (raw / LOG).write_text("".join(lines))
    for photo in range(1, 8):
        np.save(raw / VISUAL / f"{500 + photo}.npy", rng.normal(size=(1, 16)).astype(np.float32))


def _pictures(folder: Path, photo_ids: np.ndarray) -> tuple[Feature, str]:
    """The features of the given photos, and one digest of their files; files of other photos are not opened."""
    if not folder.is_dir():
        raise DataError(
            f"the layout `kwai challenge` lacks {VISUAL}",
            expected="a folder with a numpy file for each photo",
            got=listing(folder.parent),
            where=folder.parent,
            next_step="obtain it, or set the option visual=false to do without",
        )
    digest = hashlib.sha256()
    values: np.ndarray | None = None
    mask = np.zeros(len(photo_ids), dtype=bool)
    for row, photo in enumerate(photo_ids):
        file = next((path for path in (folder / f"{photo}.npy", folder / photo) if path.is_file()), None)
        if file is None:
            continue
        content = file.read_bytes()
        digest.update(f"{photo} {len(content)}\n".encode() + content)
        vector = _vector(file, content)
        if values is None:
            values = np.zeros((len(photo_ids), len(vector)), dtype=np.float32)
        if len(vector) != values.shape[1]:
            expected = f"{values.shape[1]} numbers, as the files before it have"
            raise DataError("a picture's vector has a wrong length", expected=expected, got=len(vector), where=file)
        values[row], mask[row] = vector, True
    if values is None:
        expected = "files named by the photo ids of the log, such as " + ", ".join(photo_ids[:3])
        raise DataError("no photo of the log has a picture", expected=expected, got=listing(folder), where=folder)
    feature = Feature(values, mask, provenance=f"{VISUAL}, as given", encoder=UNKNOWN, layer=UNKNOWN)
    return feature, digest.hexdigest()


def _vector(file: Path, content: bytes) -> np.ndarray:
    try:
        loaded = np.load(io.BytesIO(content), allow_pickle=False)
        if loaded.ndim != 2 or len(loaded) != 1 or loaded.dtype.kind not in "iuf" or loaded.size == 0:
            raise ValueError(f"got {loaded.dtype} {list(loaded.shape)}")
        # A number too large for float32 becomes infinite here and is refused below.
        with np.errstate(over="ignore"):
            vector = loaded[0].astype(np.float32)
        if not np.isfinite(vector).all():
            raise ValueError(f"number {int(np.argmin(np.isfinite(vector)))} (from 0) is not finite")
        return vector
    except Exception as error:  # numpy parses the header as Python text, which may raise anything
        got = f"{type(error).__name__}: {error}"
        raise DataError("not a picture's vector", expected="finite numbers [1, D]", got=got, where=file) from None
