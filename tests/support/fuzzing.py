"""Damaging raw files in every way that files get damaged, and classifying what a source makes of them."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import re
import shutil
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import sparse

from graphrec.data.dataset import InteractionDataset
from graphrec.data.sources import kwai, mmrec, movielens, sources, tiktok
from graphrec.data.sources.amazon import Amazon
from graphrec.data.sources.json_lists import CORE, write_json_fixture
from graphrec.data.sources.kuairand import KuaiRand
from graphrec.data.sources.mmgcn import write_mmgcn_fixture
from graphrec.data.sources.movielens import MovieLens
from graphrec.data.sources.table import Table
from graphrec.data.sources.taobao_ads import write_ads_fixture
from graphrec.data.sources.taobao_tmall import write_tmall_fixture
from graphrec.data.sources.tiktok_diffmm import write_diffmm_fixture
from graphrec.errors import GraphrecError

Random = np.random.Generator
Kind = Literal["typed error", "equal", "accounted for", "silent", "nameless error", "traceback"]
GOOD: tuple[Kind, ...] = ("typed error", "equal", "accounted for")
DELIMITERS = (b"\t", b"::", b",", b" ")


@dataclass(frozen=True)
class Example:
    """A small valid folder in one raw layout, and the options it is read with."""

    name: str
    source: str
    write: Callable[[Path], None]
    options: Mapping[str, Any] = field(default_factory=dict)

    def load(self, raw: Path) -> InteractionDataset:
        source = sources.get(self.source)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return source.load(raw, source.Options(**self.options))


def _table_of(ending: str, raw: Path) -> None:
    Table.write_fixture(raw)
    frame = pd.read_csv(raw / "interactions.csv")
    (raw / "interactions.csv").unlink()
    if ending == "parquet":
        frame.to_parquet(raw / "interactions.parquet")
    else:
        text = frame.to_csv(index=False).encode()
        with zipfile.ZipFile(raw / "interactions.zip", "w") as archive:
            archive.writestr("interactions.csv", text)


def _packed_amazon(raw: Path) -> None:
    Amazon.write_fixture(raw)
    file = raw / "ratings_Coats.csv"
    (raw / "ratings_Coats.csv.gz").write_bytes(gzip.compress(file.read_bytes(), mtime=0))
    file.unlink()


def _amazon_reviews(raw: Path) -> None:
    raw.mkdir(parents=True)
    rows = [(user, item, 1 + (user + item) % 5) for user in range(6) for item in range(4)]
    lines = [
        f'{{"reviewerID": "A{user}", "asin": "B{item}", "overall": {rating}.0, "unixReviewTime": {10**9 + user}}}\n'
        for user, item, rating in rows
    ]
    (raw / "reviews_Coats_5.json.gz").write_bytes(gzip.compress("".join(lines).encode(), mtime=0))


def _amazon_lists(raw: Path) -> None:
    raw.mkdir(parents=True)
    lists = [
        f"{user} {' '.join(str(1 + (user * position) % 11) for position in range(1, 6))}\n" for user in range(1, 8)
    ]
    (raw / "Coats.txt").write_text("".join(lists))
    attributes = {str(item): [item % 3, 3 + item % 2] for item in range(1, 11)}
    (raw / "Coats_item2attributes.json").write_text(json.dumps(attributes))


def _movielens_dat(raw: Path) -> None:
    MovieLens.write_fixture(raw)
    for file in sorted(raw.glob("*.csv")):
        rows = pd.read_csv(file, dtype=str, keep_default_na=False).itertuples(index=False)
        file.with_suffix(".dat").write_text("".join(f"{'::'.join(row)}\n" for row in rows))
        file.unlink()


def _kuairand_1k(raw: Path) -> None:
    """Two standard logs, one of which holds a video shown at random, too."""
    KuaiRand.write_fixture(raw)
    for file in sorted(raw.glob("*_pure.csv")):
        file.rename(raw / file.name.replace("_pure", "_1k"))
    first = raw / "log_standard_4_08_to_4_21_1k.csv"
    header, *rows = first.read_text().splitlines(keepends=True)
    rows[-1] = rows[-1].removesuffix("0,1\n") + "1,1\n"
    first.write_text("".join([header, *rows[:20]]))
    (raw / "log_standard_4_22_to_5_08_1k.csv").write_text("".join([header, *rows[20:]]))


def _pickled_diffmm(raw: Path) -> None:
    write_diffmm_fixture(raw)
    for file in sorted(raw.glob("*.npz")):
        file.with_suffix(".pkl").write_bytes(pickle.dumps(sparse.load_npz(file)))
        file.unlink()


RATED = {"rating": "rating", "timestamp": "timestamp"}
FURTHER = (
    Example("table rated", "table", Table.write_fixture, RATED),
    Example("table parquet", "table", partial(_table_of, "parquet"), RATED),
    Example("table zip", "table", partial(_table_of, "zip"), RATED),
    Example("tiktok diffmm", "tiktok", write_diffmm_fixture),
    Example("tiktok diffmm pickled", "tiktok", _pickled_diffmm),
    Example("tiktok mmgcn", "tiktok", lambda raw: write_mmgcn_fixture(raw, tiktok.MMGCN_FEATURES)),
    Example("tiktok mmssl", "tiktok", lambda raw: write_json_fixture(raw, tiktok.FEATURES)),
    Example("kwai mmgcn", "kwai", lambda raw: write_mmgcn_fixture(raw, kwai.MMGCN_FEATURES)),
    Example("mmrec json", "mmrec", lambda raw: write_json_fixture(raw, mmrec.FEATURES)),
    Example("taobao tmall", "taobao", write_tmall_fixture),
    Example("taobao ads", "taobao", write_ads_fixture),
    Example("amazon gzip", "amazon", _packed_amazon),
    Example("amazon reviews", "amazon", _amazon_reviews),
    Example("amazon lists", "amazon", _amazon_lists),
    Example("kuairand 1k", "kuairand", _kuairand_1k),
    Example("mmrec 5-core", "mmrec", lambda raw: write_json_fixture(raw, mmrec.FEATURES, folder=CORE)),
    Example("movielens dat", "movielens", _movielens_dat),
    Example("movielens mmgcn", "movielens", lambda raw: write_mmgcn_fixture(raw, movielens.MMGCN_FEATURES)),
)


def examples() -> list[Example]:
    """The fixture of every registered source, and the layouts that a source reads besides."""
    return [*(Example(name, name, sources.get(name).write_fixture) for name in sources), *FURTHER]


# --- mutations: bytes in, bytes out; None where there is nothing to damage in this way


def _truncated(content: bytes, random: Random) -> bytes | None:
    return content[: random.integers(1, len(content))] if len(content) > 1 else None


def _emptied(content: bytes, random: Random) -> bytes:
    return b""


def _with_nul(content: bytes, random: Random) -> bytes:
    position = int(random.integers(len(content) + 1))
    return content[:position] + b"\0" * int(random.integers(1, 5)) + content[position:]


def _with_wrong_bytes(content: bytes, random: Random) -> bytes:
    changed = bytearray(content)
    for position in random.integers(len(content), size=4):
        changed[position] = int(random.integers(256))
    return bytes(changed)


def _of_wrong_size(content: bytes, random: Random) -> bytes:
    return content + bytes(random.integers(256, size=int(random.integers(1, 12)), dtype=np.uint8))


def _delimiter(content: bytes) -> bytes | None:
    line = content.split(b"\n", 1)[0]
    return next((delimiter for delimiter in DELIMITERS if delimiter in line), None)


def _wrong_delimiter(content: bytes, random: Random) -> bytes | None:
    delimiter = _delimiter(content)
    others = [candidate for candidate in (b"\t", b",", b";", b" ", b"|") if candidate != delimiter]
    return content.replace(delimiter, others[random.integers(len(others))]) if delimiter else None


def _swapped(lines: list[bytes], rows: list[int], delimiter: bytes, random: Random) -> bytes | None:
    width = len(lines[rows[0]].split(delimiter))
    if width < 2:
        return None
    first, second = random.choice(width, 2, replace=False)
    for row in rows:
        cells = lines[row].rstrip(b"\r\n").split(delimiter)
        if len(cells) == width:
            cells[first], cells[second] = cells[second], cells[first]
            lines[row] = delimiter.join(cells) + b"\n"
    return b"".join(lines)


def _swapped_columns(content: bytes, random: Random) -> bytes | None:
    delimiter, lines = _delimiter(content), content.splitlines(keepends=True)
    return _swapped(lines, list(range(len(lines))), delimiter, random) if delimiter else None


def _swapped_cells(content: bytes, random: Random) -> bytes | None:
    delimiter, lines = _delimiter(content), content.splitlines(keepends=True)
    return _swapped(lines, [int(random.integers(len(lines)))], delimiter, random) if delimiter else None


def _emptied_cell(content: bytes, random: Random) -> bytes | None:
    delimiter, lines = _delimiter(content), content.splitlines()
    if not delimiter:
        return None
    row = int(random.integers(len(lines)))
    cells = lines[row].split(delimiter)
    cells[random.integers(len(cells))] = b""
    lines[row] = delimiter.join(cells)
    return b"\n".join(lines) + b"\n"


def _one_of(pattern: bytes, replacement: bytes, content: bytes, random: Random) -> bytes | None:
    matches = list(re.finditer(pattern, content))
    if not matches:
        return None
    match = matches[random.integers(len(matches))]
    return content[: match.start()] + replacement + content[match.end() :]


def _repeated_line(content: bytes, random: Random) -> bytes:
    lines = content.splitlines(keepends=True)
    lines.insert(int(random.integers(1, len(lines) + 1)), lines[0].rstrip(b"\r\n") + b"\n")
    return b"".join(lines)


def _blank_lines(content: bytes, random: Random) -> bytes:
    lines = content.splitlines(keepends=True)
    for _ in range(3):
        lines.insert(int(random.integers(len(lines) + 1)), b"\n")
    return b"".join(lines)


def _open_quote(content: bytes, random: Random) -> bytes:
    delimiter = _delimiter(content) or b" "
    starts = [match.end() for match in re.finditer(b"\n|" + re.escape(delimiter), content)] or [0]
    position = starts[random.integers(len(starts))]
    return content[:position] + b'"' + content[position:]


def _one_latin_byte(content: bytes, random: Random) -> bytes:
    position = int(random.integers(len(content)))
    return content[:position] + "é".encode("latin-1") + content[position:]


Mutation = Callable[[bytes, Random], bytes | None]
OF_BYTES: dict[str, Mutation] = {
    "truncated": _truncated,
    "empty": _emptied,
    "NUL bytes": _with_nul,
    "wrong bytes": _with_wrong_bytes,
    "wrong record size": _of_wrong_size,
}
OF_TEXT: dict[str, Mutation] = {
    "wrong delimiter": _wrong_delimiter,
    "columns swapped": _swapped_columns,
    "cells swapped in a line": _swapped_cells,
    "cell emptied": _emptied_cell,
    "utf-16": lambda content, random: content.decode().encode("utf-16"),
    "utf-16 without mark": lambda content, random: content.decode().encode("utf-16-le"),
    "latin-1 byte": _one_latin_byte,
    "gigantic number": partial(_one_of, rb"\d+", b"1" + b"0" * 30),
    "number as large as an integer may be": partial(_one_of, rb"\d+", str(2**63 - 1).encode()),
    "negative number": partial(_one_of, rb"\d+", b"-7"),
    "word for a number": partial(_one_of, rb"\d+", b"seven"),
    "not a number": partial(_one_of, rb"\d+", b"nan"),
    "first line repeated": _repeated_line,
    "CRLF": lambda content, random: content.replace(b"\n", b"\r\n"),
    "CR": lambda content, random: content.replace(b"\n", b"\r"),
    "byte order mark": lambda content, random: b"\xef\xbb\xbf" + content,
    "blank lines": _blank_lines,
    "no last line break": lambda content, random: content.rstrip(b"\n"),
    "open quote": _open_quote,
}


@dataclass(frozen=True)
class Damage:
    """One mutation of one file; `inside` where it is done to the text within an archive."""

    file: str
    mutation: str
    inside: bool = False

    def apply(self, content: bytes, random: Random) -> bytes | None:
        mutate = {**OF_BYTES, **OF_TEXT}[self.mutation]
        if not self.inside:
            return mutate(content, random)
        changed = mutate(_unpacked(self.file, content) or b"", random)
        return None if changed is None else _packed(self.file, changed)


def damages(raw: Path) -> Iterator[Damage]:
    """Every way in which the files of a folder can be damaged."""
    for path in sorted(file for file in raw.rglob("*") if file.is_file()):
        file, content = str(path.relative_to(raw)), path.read_bytes()
        inner = _unpacked(file, content)
        yield from (Damage(file, name) for name in OF_BYTES)
        if inner is not None or _is_text(content):
            yield from (Damage(file, name, inner is not None) for name in OF_TEXT)
        if inner is not None:
            yield from (Damage(file, name, True) for name in OF_BYTES)


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False


def _unpacked(file: str, content: bytes) -> bytes | None:
    """The text within an archive; None where the file is none, or cannot be unpacked."""
    try:
        if file.endswith(".gz"):
            return gzip.decompress(content)
        if file.endswith(".zip"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                return archive.read(archive.namelist()[0])
    except Exception:  # a damaged archive raises whatever its reader stumbles over
        return None
    return None


def _packed(file: str, content: bytes) -> bytes:
    if file.endswith(".gz"):
        return gzip.compress(content, mtime=0)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(Path(file).stem + ".csv", content)
    return stream.getvalue()


# --- what a source makes of it


@dataclass(frozen=True)
class Outcome:
    """What came of loading a damaged folder."""

    kind: Kind
    detail: str = ""


class Bench:
    """One example, written once, damaged and restored in each trial."""

    def __init__(self, example: Example, folder: Path) -> None:
        self.example, self.raw = example, folder / "raw"
        shutil.rmtree(self.raw, ignore_errors=True)
        example.write(self.raw)
        self.whole = example.load(self.raw)
        files = [file for file in sorted(self.raw.rglob("*")) if file.is_file()]
        self.names = [file.name for file in files]
        # the files whose lines are the rows that the provenance counts, if it is plain which
        rows = self.whole.provenance.get("rows", -1)
        lines = {str(file.relative_to(self.raw)): _lines(file.name, file.read_bytes()) for file in files}
        logs = rows if isinstance(rows, Mapping) else [file for file, n in lines.items() if n and n in (rows, rows + 1)]
        self.logs = set(logs) if isinstance(rows, Mapping) or len(logs) == 1 else set()

    def trial(self, damage: Damage, random: Random) -> Outcome | None:
        """Load with one file damaged; None where the damage changes nothing."""
        path = self.raw / damage.file
        content = path.read_bytes()
        changed = damage.apply(content, random)
        if changed is None or changed == content:
            return None
        try:
            path.write_bytes(changed)
            return self._outcome_of(damage.file, _lines(damage.file, changed) - _lines(damage.file, content))
        finally:
            path.write_bytes(content)

    def _outcome_of(self, file: str, more: int) -> Outcome:
        """What came of it, the damaged file having `more` lines than before."""
        try:
            dataset = self.example.load(self.raw)
        except GraphrecError as error:
            named = any(name in str(error) for name in self.names)
            return Outcome("typed error" if named else "nameless error", str(error).split("\n")[0])
        except Exception as error:  # the very thing that is looked for
            return Outcome("traceback", f"{type(error).__name__}: {error}"[:200])
        if _same(dataset, self.whole):
            return Outcome("equal")
        before, after = _counts(self.whole.provenance), _counts(dataset.provenance)
        more_rows = _rows(after) - _rows(before)
        if file in self.logs and more_rows != more:
            return Outcome("silent", f"{more} lines more, but {more_rows} rows more")
        sizes = _sizes(dataset)
        shorter = [what for what, size in _sizes(self.whole).items() if sizes.get(what, 0) < size]
        # Rows that are read as before may hold fewer events or ids, where labels or ids are swapped.
        if shorter and before == after and not (more == 0 and _rows(before)):
            return Outcome("silent", f"fewer {', '.join(shorter)}, and no count in the provenance tells")
        return Outcome("accounted for", f"fewer {', '.join(shorter)}" if shorter else "other values")


def _lines(file: str, content: bytes) -> int:
    """Lines of a text that are not empty; 0 for other files."""
    inner = _unpacked(file, content)
    content = content if inner is None else inner
    return sum(1 for line in content.split(b"\n") if line.strip(b"\r")) if _is_text(content) else 0


def _sizes(dataset: InteractionDataset) -> dict[str, int]:
    """What must not shrink unsaid. A feature's mask says itself which items have none."""
    sizes = {"events": len(dataset.interactions), "users": dataset.num_users, "items": dataset.num_items}
    return sizes | {f"feature {name}": 1 for name in dataset.features}


def _counts(value: Any, path: str = "") -> dict[str, int]:
    """Every whole number in the provenance, by its path."""
    if isinstance(value, Mapping):
        return {key: count for name, inner in value.items() for key, count in _counts(inner, f"{path}/{name}").items()}
    return {path: value} if isinstance(value, int) else {}


def _rows(counts: Mapping[str, int]) -> int:
    """How many rows the provenance counts, in all files together."""
    return sum(count for path, count in counts.items() if path.split("/")[1] == "rows")


def _same(first: InteractionDataset, second: InteractionDataset) -> bool:
    if first.user_ids.tolist() != second.user_ids.tolist() or first.item_ids.tolist() != second.item_ids.tolist():
        return False
    if not first.interactions.equals(second.interactions) or list(first.features) != list(second.features):
        return False
    for name, feature in first.features.items():
        twin = second.features[name]
        values, twin_values = (part.values.toarray() if part.is_sparse else part.values for part in (feature, twin))  # type: ignore[union-attr]
        if not (np.array_equal(feature.mask, twin.mask) and np.array_equal(values, twin_values)):
            return False
    return True
