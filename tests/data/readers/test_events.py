"""Gathering events chunk by chunk."""

import numpy as np
import pandas as pd
import pytest

from graphrec.data.dataset import dataset_from_events
from graphrec.data.readers.events import EventBuilder
from graphrec.errors import DataError


@pytest.mark.parametrize("kind", ["int", "digits", "text"])
def test_events_in_chunks_make_the_dataset_of_all_events(kind):
    rng = np.random.default_rng(0)
    users, items = rng.integers(-40, 40, size=(2, 500)) * 3
    if kind != "int":
        letter = "u" if kind == "text" else ""
        users, items = (np.asarray([f"{letter}{number}" for number in ids], dtype=object) for ids in (users, items))
    codes, parts = rng.integers(2, size=500).astype(np.int8), rng.integers(3, size=500).astype(np.int8)
    times = rng.integers(10**9, size=500)
    builder = EventBuilder(("click", "like"))
    for start in range(0, 500, 60):
        cut = slice(start, start + 60)
        builder.add(users[cut], items[cut], codes[cut], times[cut], parts[cut])
    assert len(builder) == 500
    feedback = {"click": ("click",), "like": ("like",)}
    built = builder.build("log", feedback=feedback, provenance={"rows": 500})
    events = pd.DataFrame({"user": users, "item": items, "timestamp": times})
    events["behaviour"] = np.asarray(builder.behaviours)[codes]
    events["part"] = np.asarray(["train", "valid", "test"])[parts]
    expected = dataset_from_events("log", events, feedback=feedback, provenance={}, behaviour_order=("click", "like"))
    assert built.user_ids.tolist() == expected.user_ids.tolist()
    assert built.item_ids.tolist() == expected.item_ids.tolist()
    pd.testing.assert_frame_equal(built.interactions, expected.interactions)
    assert built.provenance == {"rows": 500} and dict(built.feedback) == feedback
    assert len(builder) == 0


def test_events_that_do_not_fit_together_are_refused():
    ones = np.ones(1, dtype=np.int64)
    builder = EventBuilder(("click",))
    with pytest.raises(DataError, match="no interactions"):
        builder.build("log", feedback={}, provenance={})
    builder.add(ones, ones, ones * 0)
    with pytest.raises(ValueError, match="earlier ones"):
        builder.add(ones, ones, ones * 0, timestamps=ones)
    with pytest.raises(ValueError, match="same length"):
        builder.add(ones, np.ones(2, dtype=np.int64), ones * 0)
    builder.add(np.asarray(["a"], dtype=object), ones, ones * 0)
    with pytest.raises(ValueError, match="text in another"):
        builder.build("log", feedback={}, provenance={})
