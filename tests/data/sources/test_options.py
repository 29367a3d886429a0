"""An option that the layout or another option has no use for: the message says where it is, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from graphrec.data.prepare import prepare
from graphrec.data.sources.amazon import Amazon
from graphrec.data.sources.json_lists import write_json_fixture
from graphrec.data.sources.mmgcn import write_mmgcn_fixture
from graphrec.data.sources.table import Table
from graphrec.data.sources.taobao_tmall import write_tmall_fixture
from graphrec.errors import DataError


@pytest.mark.parametrize(
    ("source", "write", "options"),
    [
        ("amazon", Amazon.write_fixture, {"min_pairs": 3}),
        ("mmrec", lambda folder: write_json_fixture(folder, {}), {"like_at": 4}),
        ("taobao", write_tmall_fixture, {"window": "official"}),
        ("tiktok", lambda folder: write_mmgcn_fixture(folder, {}), {"item_offset": 3}),
        ("table", Table.write_fixture, {"features": "visual=interactions.npy,visual=others.npy"}),
    ],
)
def test_an_option_without_a_use_is_named_with_a_next_step(
    tmp_path: Path, source: str, write: Callable[[Path], None], options: dict[str, object]
) -> None:
    write(tmp_path / "raw")
    with pytest.raises(DataError) as refused:
        prepare(source, tmp_path / "raw", tmp_path / "prepared", options)
    (option,) = options
    assert refused.value.where == f"option {option}" and refused.value.expected
    assert refused.value.next_step
    assert not (tmp_path / "prepared").exists()
