"""The source `movielens` as CSV and in the older layout."""

import zipfile

import pytest

from graphrec.data.sources.movielens import MovieLens, MovieLensOptions
from graphrec.errors import DataError
from graphrec.testing import SourceContract


class TestMovieLens(SourceContract):
    source = "movielens"


CSV = {
    "ratings.csv": "userId,movieId,rating,timestamp\n1,10,4.0,100\n1,30,3.5,110\n2,10,0.5,120\n2,40,5.0,130\n",
    "movies.csv": "movieId,title,genres\n"
    '10,"Misérables, Les (1995)",Drama|War\n'
    '20,"Not rated (1999)",Comedy\n'
    "30,Third (2000),(no genres listed)\n"
    "40,Fourth (2001),Drama\n",
    "tags.csv": "userId,movieId,tag,timestamp\n"
    "1,10,Slow,100\n1,10,slow ,105\n2,40,slow,200\n2,40,rare,90\n2,20,slow,90\n",
}


@pytest.fixture
def raw(tmp_path):
    for name, text in CSV.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def load(raw, **options):
    return MovieLens.load(raw, MovieLensOptions(**options))


def as_dense(feature):
    return feature.columns, feature.values.toarray().tolist(), feature.mask.tolist()


def test_every_rating_is_a_click_and_a_high_one_a_like(raw):
    dataset = load(raw)
    assert dataset.item_ids.tolist() == ["10", "30", "40"]
    assert (len(dataset.pairs("click")), len(dataset.pairs("like"))) == (4, 2)
    assert len(load(raw, like_at=3.5).pairs("like")) == 3
    assert dataset.pairs("like")["timestamp"].tolist() == [100, 130]


def test_genres_are_a_bag(raw):
    dataset = load(raw)
    assert as_dense(dataset.features["genres"]) == (
        ("Drama", "War"), [[0.5, 0.5], [0, 0], [1, 0]], [True, False, True],
    )  # fmt: skip
    assert dataset.roles == {"genres": "exposure", "tags": "content"}


def test_tags_of_one_film_and_late_ones_are_left_out_and_counted(raw):
    tags = load(raw).features["tags"]
    assert as_dense(tags) == (("slow",), [[1], [0], [1]], [True, False, True])
    assert "left out: 1 in < 2 films" in tags.provenance
    early = load(raw, tags_before=150, least_films=1).features["tags"]
    assert as_dense(early) == (("rare", "slow"), [[0, 1], [0, 0], [1, 0]], [True, False, True])
    assert "1 not before 150" in early.provenance


@pytest.mark.parametrize("name", ["ml_plot.zip", "ml_plot.dat"])
def test_plots_are_bags_of_words(raw, name):
    text = "10::a\ttoy\t|a\tboy\r\n20::a\r\n40::a\tboy\r\n"
    if name.endswith(".zip"):
        with zipfile.ZipFile(raw / name, "w") as archive:
            archive.writestr("movielens/ml_plot.dat", text)
    else:
        (raw / name).write_text(text)
    columns, values, mask = as_dense(load(raw).features["plot"])
    assert (columns, mask) == (("a", "boy"), [True, False, True])
    assert values[0] == pytest.approx([2 / 3, 1 / 3])


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_the_older_layout_gives_the_same(raw, tmp_path, encoding):
    expected = load(raw)
    older = tmp_path / "older"
    older.mkdir()
    for name, text in CSV.items():
        lines = text.replace('"Misérables, Les (1995)"', "Misérables, Les (1995)").replace('"', "").splitlines()[1:]
        count = 2 if name == "movies.csv" else 3
        joined = [line.replace("Misérables, Les", "Misérables; Les").replace(",", "::", count) for line in lines]
        used = encoding if name == "movies.csv" else "utf-8"
        (older / name.replace(".csv", ".dat")).write_bytes(("\n".join(joined) + "\n").encode(used))
    dataset = load(older)
    assert dataset.interactions.equals(expected.interactions)
    for modality, feature in expected.features.items():
        assert as_dense(dataset.features[modality]) == as_dense(feature)


@pytest.mark.parametrize(
    ("name", "line", "text", "message"),
    [
        ("ratings.csv", 3, "1,30,5.5,110", "column `rating` has a bad value"),
        ("ratings.csv", 3, "1,30,,110", "column `rating` is empty"),
        ("ratings.csv", 3, "30,1", "wrong number of columns"),
        ("ratings.csv", 1, "userId,movieId,stars,timestamp", "lacks `rating`"),
        ("movies.csv", 3, "10,Twice (1999),Comedy", "column `movieId` has a bad value"),
        ("movies.csv", 3, '20,"Never closed,Comedy', "a quote does not close"),
        ("tags.csv", 2, "1,x,slow,100", "column `movieId` is not a whole number"),
    ],
)
def test_a_wrong_line_is_named(raw, name, line, text, message):
    lines = (raw / name).read_text().splitlines()
    lines[line - 1] = text
    (raw / name).write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match=message) as caught:
        load(raw)
    assert str(caught.value.where) == f"{raw / name}:{line}"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("10::a\n10::b\n", 2, "second line"),
        ("10::a\nten::b\n", 2, "line is malformed"),
        ("10::a::b\n", 1, "line is malformed"),
    ],
)
def test_a_wrong_plot_is_named(raw, text, line, message):
    (raw / "ml_plot.dat").write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        load(raw)
    assert caught.value.where == f"{raw / 'ml_plot.dat'}:{line}"


def test_an_archive_of_two_files_is_refused(raw):
    with zipfile.ZipFile(raw / "ml_plot.zip", "w") as archive:
        archive.writestr("a", "1::a")
        archive.writestr("b", "1::b")
    with pytest.raises(DataError, match="must hold one file"):
        load(raw)


@pytest.mark.realdata
def test_the_small_edition_has_its_published_counts(realdata):
    dataset = load(realdata("ml_latest_small"))
    assert (dataset.num_users, dataset.num_items) == (671, 9066)
    assert (len(dataset.pairs("click")), len(dataset.pairs("like"))) == (100_004, 51_568)
    masks = {name: int(feature.mask.sum()) for name, feature in dataset.features.items()}
    assert masks == {"genres": 9049, "tags": 529, "plot": 6635}
