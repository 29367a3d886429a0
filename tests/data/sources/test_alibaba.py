"""The source `alibaba`."""

import pytest

from graphrec.checks.dataset import statistics
from graphrec.data.sources.alibaba import Alibaba, AlibabaOptions
from graphrec.errors import DataError, UnknownNameError
from graphrec.testing import SourceContract


class TestAlibaba(SourceContract):
    source = "alibaba"


@pytest.fixture
def raw(tmp_path):
    edges = "1\t40\t1\t20190610\n1\t40\t4\t20190611\n2\t40\t3\t20190612\n2\t41\t2\t20190612\n2\t41\t2\t20190612\n"
    (tmp_path / "ecomm_edge_train.txt").write_text(edges)
    (tmp_path / "ecomm_item_feature.txt").write_text("40\t33\t500\t0\t21.8\n77\t33\t501\t0\t3\n")
    return tmp_path


def load(raw, **options):
    return Alibaba.load(raw, AlibabaOptions(**options))


def test_types_are_behaviours_and_days_are_times(raw):
    dataset = load(raw)
    assert dataset.interactions["behaviour"].tolist() == ["click", "buy", "cart", "collect", "collect"]
    assert dataset.interactions["timestamp"].tolist()[:2] == [20190610, 20190611]
    assert dataset.provenance["rows_repeated"] == 1
    assert dataset.provenance["items_without_features"] == 1
    assert dataset.roles == {"price": "exposure", "category": "exposure"}


def test_items_without_features_are_masked_and_unseen_items_are_left_out(raw):
    dataset = load(raw)
    assert dataset.item_ids.tolist() == ["40", "41"]
    assert dataset.features["category"].columns == ("500",)
    assert dataset.features["price"].mask.tolist() == [True, False]


@pytest.mark.parametrize(
    ("like", "expected"),
    [
        ("buy", ("buy",)),
        ("any", ("collect", "cart", "buy")),
        ("buy,cart", ("cart", "buy")),
        (["cart"], ("cart",)),
    ],
)
def test_the_like_is_a_choice(raw, like, expected):
    assert load(raw, like=like).feedback["like"] == expected


def test_an_unknown_like_is_refused(raw):
    with pytest.raises(UnknownNameError, match="did you mean `cart`"):
        load(raw, like="carts")


@pytest.mark.parametrize(
    ("file", "text", "line", "message"),
    [
        ("ecomm_edge_train.txt", "1\t40\t5\t20190610\n", 6, "column `type`"),
        ("ecomm_edge_train.txt", "1\t40\t1\t20191310\n", 6, "column `date`"),
        ("ecomm_edge_train.txt", "\n1\t40\t1\n", 7, "wrong number of columns"),
        ("ecomm_item_feature.txt", "40\t33\t500\t0\t5\n", 3, "described twice"),
        ("ecomm_item_feature.txt", "41\t33\t500\t0\tdear\n", 3, "column `price` is not a number"),
    ],
)
def test_a_wrong_line_is_named(raw, file, text, line, message):
    with open(raw / file, "a") as stream:
        stream.write(text)
    with pytest.raises(DataError, match=message) as caught:
        load(raw)
    assert str(caught.value.where) == f"{raw / file}:{line}"


def test_an_unknown_price_is_a_missing_one(raw):
    with open(raw / "ecomm_item_feature.txt", "a") as stream:
        stream.write("41\t33\t500\t0\t\n")
    dataset = load(raw)
    assert dataset.features["price"].mask.tolist() == [True, False]
    assert dataset.features["category"].mask.tolist() == [True, True]


@pytest.mark.realdata
def test_the_real_log_has_its_published_counts(realdata):
    dataset = load(realdata("alibaba_ecomm"))
    assert (dataset.num_users, dataset.num_items) == (1476, 34_505)
    pairs = dataset.interactions.drop_duplicates(["user", "item", "behaviour"])["behaviour"].value_counts()
    assert pairs.to_dict() == {"click": 46_480, "cart": 13_730, "buy": 6_627, "collect": 5_302}
    assert dataset.interactions["timestamp"].nunique() == 10
    assert {dataset.provenance[key] for key in ("items_without_features", "rows_with_an_item_as_user")} == {0}
    # 401 leaf categories in the item file, 398 among the items of the log
    assert dataset.features["category"].width == 398
    assert dataset.features["price"].width == 20


@pytest.mark.realdata
@pytest.mark.parametrize(("k", "users", "items"), [(2, 1274, 6477), (3, 921, 2406), (5, 214, 316)])
def test_iterated_filtering_leaves_the_published_counts(realdata, k, users, items):
    dataset = load(realdata("alibaba_ecomm"), min_pairs=k)
    assert (dataset.num_users, dataset.num_items) == (users, items)
    if k == 2:
        clicks = dataset.interactions.query("behaviour == 'click'").drop_duplicates(["user", "item"])
        assert (len(clicks), statistics(dataset)["likes"]) == (19_239, 2_816)
