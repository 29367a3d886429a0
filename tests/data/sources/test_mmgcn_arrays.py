"""The arrays of MMGCN and CR, read through the sources that are found in them."""

import numpy as np
import pytest
import torch

from graphrec.data.readers.raw_files import read_tensor
from graphrec.data.readers.unpickle import load_lists
from graphrec.data.sources.kwai import MMGCN_FEATURES as KWAI_FEATURES
from graphrec.data.sources.mmgcn import write_mmgcn_fixture
from graphrec.data.sources.movielens import MMGCN_FEATURES as MOVIELENS_FEATURES
from graphrec.data.sources.tiktok import MMGCN_FEATURES, Tiktok, TiktokOptions
from graphrec.errors import DataError
from graphrec.testing import SourceContract


class TestTiktokArrays(SourceContract):
    source = "tiktok"
    modalities = MMGCN_FEATURES

    def write_raw(self, folder):
        write_mmgcn_fixture(folder, self.modalities)

    def test_its_modalities_are_those_of_the_arrays(self, dataset):
        assert list(dataset.features) == list(self.modalities)


class TestKwaiArrays(TestTiktokArrays):
    source = "kwai"
    modalities = KWAI_FEATURES


class TestMovieLensArrays(TestTiktokArrays):
    source = "movielens"
    modalities = MOVIELENS_FEATURES


def load(raw, **options):
    return Tiktok.load(raw, TiktokOptions(**options))


def lists(*rows):
    array = np.empty(len(rows), dtype=object)
    array[:] = rows
    return array


@pytest.fixture
def raw(tmp_path):
    """Three users, four items (ids 3 to 6); the third user has nothing to be tested on."""
    np.save(tmp_path / "train.npy", np.array([[0, 3], [0, 4], [1, 5], [2, 3]]))
    np.save(tmp_path / "val_full.npy", lists([0, 5], [1, 3, 4], [2]), allow_pickle=True)
    np.save(tmp_path / "test_full.npy", lists([0, 6], [1], [2]), allow_pickle=True)
    return tmp_path


def events(dataset):
    table = dataset.interactions
    return sorted(zip(table["user"], table["item"], table["part"], strict=True))


EVENTS = [
    (0, 0, "train"), (0, 1, "train"), (0, 2, "valid"), (0, 3, "test"),
    (1, 0, "valid"), (1, 1, "valid"), (1, 2, "train"), (2, 0, "train"),
]  # fmt: skip


def test_the_number_of_users_is_taken_off_the_item_ids(raw):
    dataset = load(raw)
    assert events(dataset) == EVENTS
    assert dataset.item_ids.tolist() == ["0", "1", "2", "3"]
    assert dataset.provenance["item_offset"] == 3
    assert dataset.single_behaviour and not dataset.has_times


def test_lists_of_equal_length_are_a_matrix_for_numpy(raw):
    np.save(raw / "test_full.npy", np.array([[0, 6], [1, 3], [2, 4]]))
    assert {(1, 0, "test"), (2, 1, "test")} < set(events(load(raw)))


def test_the_dictionary_is_compared_with_train(raw):
    np.save(raw / "user_item_dict.npy", {0: {3, 4, 6}, 1: [5], 2: []}, allow_pickle=True)
    provenance = load(raw).provenance
    assert (provenance["train_pairs_not_in_dictionary"], provenance["dictionary_pairs_not_in_train"]) == (1, 1)


def test_words_are_counted(raw):
    torch.save(torch.tensor([[0, 0, 0, 3], [7, 7, 2, 30]]), raw / "feat_t.pt")
    feature = load(raw).features["textual"]
    assert feature.columns == ("2", "7", "30")
    np.testing.assert_allclose(feature.values.toarray()[0], [1 / 3, 2 / 3, 0])
    assert feature.mask.tolist() == [True, False, False, True]


def test_items_without_interactions_are_those_of_the_features(raw):
    torch.save(torch.ones(6, 2), raw / "feat_v.pt")
    assert load(raw).num_items == 6


def test_items_numbered_from_0_need_the_option(raw):
    np.save(raw / "train.npy", np.array([[0, 0], [0, 1], [1, 2], [2, 0]]))
    np.save(raw / "val_full.npy", lists([0, 2], [1, 0, 1], [2]), allow_pickle=True)
    np.save(raw / "test_full.npy", lists([0, 3], [1], [2]), allow_pickle=True)
    with pytest.raises(DataError, match="item_offset=0") as caught:
        load(raw)
    assert caught.value.where == raw / "train.npy"
    assert events(load(raw, item_offset=0)) == EVENTS


def test_swapped_columns_are_refused(raw):
    np.save(raw / "train.npy", np.load(raw / "train.npy")[:, ::-1])
    with pytest.raises(DataError, match="do not fit the users"):
        load(raw)


def test_an_ambiguous_number_of_users_is_not_guessed(raw):
    np.save(raw / "train.npy", np.array([[0, 5], [1, 5], [2, 5]]))
    np.save(raw / "val_full.npy", lists([0, 6]), allow_pickle=True)
    np.save(raw / "test_full.npy", lists([0, 6]), allow_pickle=True)
    with pytest.raises(DataError, match="any number from 3 to 5 would do"):
        load(raw)
    assert load(raw, item_offset=4).num_users == 4
    torch.save(torch.ones(2, 2), raw / "feat_v.pt")
    assert load(raw).num_users == 5, "with two items, only an offset of five fits"


def test_feature_rows_that_do_not_fit_are_refused(raw):
    torch.save(torch.ones(3, 2), raw / "feat_v.pt")
    with pytest.raises(DataError, match="3 feature rows"):
        load(raw)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train.npy", np.array([[0, 3, 4]]), "not a list of pairs"),
        ("train.npy", np.array([[0.5, 3.0]]), "not a readable"),
        ("train.npy", np.array([[0, -3]]), "negative"),
        ("train.npy", lists([0, 2**70]), "not a readable"),
        ("val_full.npy", lists([]), "whose it is"),
        ("val_full.npy", lists([0, "4"]), "not a readable"),
        ("val_full.npy", lists([10**17, 10**18]), "fit|row numbers|told"),
        ("user_item_dict.npy", lists([0, 3]), "not a dictionary"),
        ("feat_t.pt", torch.tensor([[0], [-1]]), "out of range"),
        ("feat_t.pt", torch.tensor([[9], [1]]), "out of range"),
        ("feat_t.pt", torch.ones(4, 2), "not pairs of item and word"),
        ("feat_v.pt", torch.full((4, 2), float("nan")), "not finite"),
        ("feat_v.pt", {"a": torch.ones(4, 2)}, "got a dict"),
    ],
)
def test_a_wrong_file_is_named(raw, name, content, message):
    if name.endswith(".pt"):
        torch.save(content, raw / name)
    else:
        np.save(raw / name, content, allow_pickle=True)
    with pytest.raises(DataError, match=message):
        load(raw)


@pytest.mark.realdata
def test_crs_partial_folder_has_its_published_counts_and_lacks_train(realdata):
    raw = realdata("tiktok_cr_partial")
    with pytest.raises(DataError, match=r"lacks train\.npy"):
        load(raw)
    for name, edges in (("val_full.npy", 218_253), ("test_full.npy", 164_554)):
        rows = load_lists(raw / name)
        assert (len(rows), sum(len(row) - 1 for row in rows)) == (18_855, edges)
    items, words = read_tensor(raw / "feat_t.pt")
    assert (len(items), items.max() + 1, len(np.unique(words))) == (261_230, 34_756, 6_820)
