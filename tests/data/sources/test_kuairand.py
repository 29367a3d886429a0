"""The source `kuairand`."""

import pytest

from graphrec.data.sources.kuairand import HEADER, KuaiRand, KuaiRandOptions
from graphrec.data.split import SplitConfig, make_split
from graphrec.errors import DataError, UnknownNameError
from graphrec.testing import SourceContract

FIRST = ",".join(HEADER)
STANDARD, RANDOM = "log_standard_4_08_to_4_21_1k.csv", "log_random_4_22_to_5_08_1k.csv"


class TestKuaiRand(SourceContract):
    source = "kuairand"


@pytest.fixture
def raw(tmp_path):
    # user, video, time, click, long_view, like, follow, comment, forward, hate, is_rand
    (tmp_path / STANDARD).write_text(
        f"{FIRST}\n1,5,1000,1,1,0,0,0,0,0,0\n1,6,2000,1,0,1,0,0,0,1,0\n2,5,1,0,0,0,0,0,0,0,0\n"
    )
    (tmp_path / RANDOM).write_text(f"{FIRST}\n1,7,3000,1,1,0,1,1,1,0,1\n2,6,3000,0,0,0,0,0,0,0,1\n")
    (tmp_path / "video_features_basic_1k.csv").write_text(
        'video_id,author_id,tag\n5,1,"12,65"\n6,1,-124\n7,1,\n9,1,12\n'
    )
    return tmp_path


def load(raw, **options):
    return KuaiRand.load(raw, KuaiRandOptions(**options))


def test_rows_are_shows_and_every_signal_is_an_event(raw):
    events = load(raw).interactions
    assert events["behaviour"].value_counts().to_dict() == {
        "show": 5, "click": 3, "long_view": 2, "like": 1, "follow": 1, "comment": 1, "forward": 1, "hate": 1,
    }  # fmt: skip
    assert events.query("part == 'test'")["behaviour"].value_counts()["show"] == 2
    assert set(events.query("part == 'test'")["item"]) == {1, 2}


def test_what_was_shown_at_random_is_test_whichever_file_it_is_in(raw):
    with open(raw / STANDARD, "a") as stream:
        stream.write("2,7,4000,1,0,0,0,0,0,0,1\n")
    dataset = load(raw)
    assert dataset.interactions.query("part == 'test' and behaviour == 'show'")["user"].tolist() == [1, 0, 1]
    assert dataset.provenance["randomised_exposure"] == "test"
    assert dataset.provenance["rows"] == {STANDARD: 4, RANDOM: 2}


def test_several_standard_logs_are_read_as_one(raw):
    (raw / "log_standard_4_22_to_5_08_1k.csv").write_text(f"{FIRST}\n3,5,1000,1,1,0,0,0,0,0,0\n")
    assert load(raw).user_ids.tolist() == ["1", "2", "3"]


def test_the_like_is_a_choice(raw):
    assert load(raw).feedback["like"] == ("long_view", "like")
    assert load(raw, like="follow").feedback["like"] == ("follow",)
    with pytest.raises(UnknownNameError, match="did you mean `follow`"):
        load(raw, like="folow")


def test_tags_are_a_bag(raw):
    feature = load(raw).features["tags"]
    assert feature.columns == ("-124", "12", "65")
    assert feature.values.toarray().tolist() == [[0, 0.5, 0.5], [1, 0, 0], [0, 0, 0]]


def test_the_split_given_trains_on_the_standard_log_alone(tmp_path):
    KuaiRand.write_fixture(tmp_path)
    dataset = load(tmp_path)
    split = make_split(dataset, SplitConfig(name="given"))
    assert split.counts["test"] > 0
    assert len(split.train_pairs("click")) < len(dataset.pairs("click"))


def test_a_missing_log_is_named(raw):
    (raw / RANDOM).unlink()
    with pytest.raises(DataError, match=r"lacks log_random_\*\.csv"):
        load(raw)


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        (STANDARD, "1,5,1000,2,1,0,0,0,0,0,0", "column `is_click`"),
        (RANDOM, "1,5,1000,1,1,0,0,0,0,0", "wrong number of columns"),
        ("video_features_basic_1k.csv", '8,1,"1;2"', "column `tag`"),
        ("video_features_basic_1k.csv", "5,1,3", "described twice"),
    ],
)
def test_a_wrong_line_is_named(raw, file, line, message):
    lines = (raw / file).read_text().count("\n")
    with open(raw / file, "a") as stream:
        stream.write(f"{line}\n")
    with pytest.raises(DataError, match=message) as caught:
        load(raw)
    assert str(caught.value.where) == f"{raw / file}:{lines + 1}"
