"""Tiktok as published with DiffMM: ready-made parts as sparse matrices, features as arrays.

trnMat, valMat, tstMat   scipy.sparse [U, I], `.npz` or `.pkl`; an entry is an interaction
image_feat.npy           [I, D] visual features    (optional)
audio_feat.npy           [I, D] acoustic features  (optional)
text_feat.npy            [I, D] textual features   (optional)
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import sparse

from graphrec.data.dataset import InteractionDataset
from graphrec.data.readers.given_splits import FeatureFiles, given_parts, read_features
from graphrec.data.readers.raw_files import how_to_obtain, listing, provenance
from graphrec.data.readers.unpickle import load_sparse_pickle
from graphrec.data.source import SourceOptions
from graphrec.errors import DataError

PARTS = {"train": "trnMat", "valid": "valMat", "test": "tstMat"}
FEATURES: FeatureFiles = {
    "visual": ("image_feat.npy", "exposure"),
    "acoustic": ("audio_feat.npy", "content"),
    "textual": ("text_feat.npy", "exposure"),
}


def load_diffmm(raw: Path, options: SourceOptions) -> InteractionDataset:
    """Read the folder `raw`. Ids are row and column numbers; a feature row of zeros is a missing one.

    The picture is the video's cover, seen before the click: exposure, as is the text; the sound comes after:
    content.

    Args:
        options: recorded in the provenance.

    Raises:
        DataError: a matrix is missing, unreadable, or of another shape than the others.

    >>> from pathlib import Path
    >>> from graphrec.data.source import SourceOptions
    >>> from graphrec.data.sources.tiktok_diffmm import load_diffmm, write_diffmm_fixture
    >>> write_diffmm_fixture(Path("matrices"))
    >>> dataset = load_diffmm(Path("matrices"), SourceOptions())
    >>> dataset.num_users, dataset.num_items, dataset.pairs("click")["part"].value_counts().to_dict()
    (7, 5, {'train': 21, 'valid': 7, 'test': 7})
    >>> {name: feature.values.shape for name, feature in dataset.features.items()}
    {'visual': (5, 128), 'acoustic': (5, 128)}
    """
    raw = Path(raw)
    files = []
    pairs: dict[str, np.ndarray] = {}
    shape: tuple[int, int] | None = None
    for part, stem in PARTS.items():
        file = _matrix_file(raw, stem)
        matrix = _read_sparse(file)
        if shape is not None and matrix.shape != shape:
            raise DataError("the parts differ in shape", expected=list(shape), got=list(matrix.shape), where=file)
        shape = matrix.shape
        pairs[part] = np.stack(matrix.nonzero(), axis=1)
        files.append(file)
    assert shape is not None
    features, feature_files = read_features(raw, FEATURES, items=shape[1])
    origin = provenance("tiktok", "diffmm", options, [*files, *feature_files])
    return given_parts("tiktok", pairs, shape, features, FEATURES, origin, raw)


def write_diffmm_fixture(raw: Path, seed: int = 0) -> None:
    """Write seven users and five items in this layout, without the optional text.

    >>> from pathlib import Path
    >>> from scipy import sparse
    >>> from graphrec.data.sources.tiktok_diffmm import write_diffmm_fixture
    >>> write_diffmm_fixture(Path("matrices"))
    >>> sorted(path.name for path in Path("matrices").iterdir())
    ['audio_feat.npy', 'image_feat.npy', 'trnMat.npz', 'tstMat.npz', 'valMat.npz']
    >>> sparse.load_npz("matrices/trnMat.npz").toarray()[0].tolist()
    [0.0, 1.0, 1.0, 1.0, 0.0]
    """
    raw.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    shape = (7, 5)
    order = np.argsort(rng.random(shape), axis=1)
    for part, columns in (("train", order[:, :3]), ("valid", order[:, 3:4]), ("test", order[:, 4:])):
        rows = np.repeat(np.arange(shape[0]), columns.shape[1])
        matrix = sparse.csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns.ravel())), shape=shape)
        sparse.save_npz(raw / f"{PARTS[part]}.npz", matrix)
    for modality in ("visual", "acoustic"):
        np.save(raw / FEATURES[modality][0], rng.normal(size=(shape[1], 128)).astype(np.float16))


def _matrix_file(raw: Path, stem: str) -> Path:
    for suffix in (".npz", ".pkl"):
        if (raw / f"{stem}{suffix}").is_file():
            return raw / f"{stem}{suffix}"
    raise DataError(
        f"the layout `tiktok diffmm` lacks {stem}",
        expected=f"{stem}.npz or {stem}.pkl",
        got=listing(raw),
        where=raw,
        next_step=how_to_obtain("tiktok", raw),
    )


def _read_sparse(file: Path) -> sparse.csr_array:
    if file.suffix == ".pkl":
        return load_sparse_pickle(file)
    try:
        matrix = sparse.load_npz(file).tocsr()
        matrix.check_format(full_check=True)  # scipy's kernels trust the indices of a file they did not write
        matrix.sum_duplicates()
        return sparse.csr_array(matrix)
    except Exception as error:  # the zip layer, the header parser and scipy's checks each raise their own
        raise DataError(
            "not a readable sparse matrix",
            expected="what scipy.sparse.save_npz writes",
            got=f"{type(error).__name__}: {error}",
            where=file,
        ) from error
