"""The source `taobao` and its three layouts."""

from typing import ClassVar

import pytest

from graphrec.data.sources.taobao import Taobao, TaobaoOptions
from graphrec.data.sources.taobao_ads import write_ads_fixture
from graphrec.data.sources.taobao_tmall import HEADER, write_tmall_fixture
from graphrec.data.sources.taobao_userbehavior import WINDOW
from graphrec.errors import DataError, UnknownNameError
from graphrec.testing import SourceContract


class TestUserBehaviorContract(SourceContract):
    source = "taobao"


class TestTmallContract(SourceContract):
    source = "taobao"

    def write_raw(self, folder):
        write_tmall_fixture(folder)


class TestAdsContract(SourceContract):
    source = "taobao"
    options: ClassVar = {"like": "buy"}

    def write_raw(self, folder):
        write_ads_fixture(folder)


class TestAdsWithAnyLikeContract(TestAdsContract):
    options: ClassVar = {"like": "any"}


def load(raw, **options):
    return Taobao.load(raw, TaobaoOptions(**options))


def events(dataset, *behaviours):
    some = dataset.interactions[dataset.interactions["behaviour"].isin(behaviours)]
    return [
        (dataset.user_ids[user], dataset.item_ids[item], time)
        for user, item, time in some[["user", "item", "timestamp"]].itertuples(index=False)
    ]


def test_folders_of_none_or_several_layouts_are_refused(tmp_path):
    with pytest.raises(DataError, match="no taobao layout is here"):
        load(tmp_path)
    write_tmall_fixture(tmp_path)
    Taobao.write_fixture(tmp_path)
    with pytest.raises(DataError, match="several taobao layouts"):
        load(tmp_path)
    assert load(tmp_path, layout="tmall").provenance["layout"] == "tmall"


class TestUserBehavior:
    @pytest.fixture
    def raw(self, tmp_path):
        start, end = WINDOW
        rows = f"1,10,5,pv,{start}\n1,10,5,buy,{end}\n2,10,6,cart,{end + 1}\n2,11,7,fav,{start - 1}\n2,12,7,pv,-9\n"
        (tmp_path / "UserBehavior.csv").write_text(rows)
        return tmp_path

    def test_behaviours_keep_their_names(self, raw):
        dataset = load(raw)
        assert dataset.interactions["behaviour"].tolist() == ["pv", "buy", "cart", "fav", "pv"]
        assert dataset.feedback == {"click": ("pv",), "like": ("buy",)}
        assert load(raw, like="any").feedback["like"] == ("cart", "fav", "buy")
        with pytest.raises(UnknownNameError, match="did you mean `buy`"):
            load(raw, like="buys")

    def test_the_first_category_of_an_item_counts_and_others_are_reported(self, raw):
        dataset = load(raw)
        assert dataset.features["category"].columns == ("5", "7")
        assert dataset.features["category"].values.toarray().tolist() == [[1, 0], [0, 1], [0, 1]]
        assert dataset.provenance["items_with_several_categories"] == 1

    def test_the_official_window_drops_rows_and_counts_them(self, raw):
        assert load(raw).provenance["rows_dropped"] == 0
        dataset = load(raw, window="official")
        assert events(dataset, "pv", "buy") == [("1", "10", WINDOW[0]), ("1", "10", WINDOW[1])]
        assert dataset.provenance["rows"] == 5
        assert dataset.provenance["rows_dropped"] == dataset.provenance["rows_outside_window"] == 3

    def test_min_pairs_filters(self, raw):
        with open(raw / "UserBehavior.csv", "a") as stream:
            stream.write(f"1,11,7,pv,{WINDOW[0]}\n")
        dataset = load(raw, min_pairs=2)
        assert (dataset.user_ids.tolist(), dataset.item_ids.tolist()) == (["1", "2"], ["10", "11"])
        assert dataset.features["category"].values.shape == (2, 2)
        assert dataset.provenance["filter"]["events_removed"] == 1

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("1,10,5,look,1511539200", "column `behaviour`"),
            ("1,10,-5,pv,1511539200", "column `category`"),
            ("1,10,pv,5,1511539200", "column `category`"),
            ("1,10,5,pv", "wrong number of columns"),
            (f"{10**30},10,5,pv,1511539200", "column `user`"),
        ],
    )
    def test_a_wrong_line_is_named(self, raw, line, message):
        with open(raw / "UserBehavior.csv", "a") as stream:
            stream.write(f"{line}\n")
        with pytest.raises(DataError, match=message) as caught:
            load(raw)
        assert str(caught.value.where) == f"{raw / 'UserBehavior.csv'}:6"


class TestTmall:
    @pytest.fixture
    def raw(self, tmp_path):
        rows = "1,10,5,3,50,1111,0\n1,10,5,3,50,1111,2\n2,11,6,4,,0511,3\n2,12,6,3,51.0,229,1\n"
        (tmp_path / "user_log_format1.csv").write_text(f"{','.join(HEADER)}\n{rows}")
        return tmp_path

    def test_actions_are_behaviours_and_days_are_times(self, raw):
        dataset = load(raw)
        assert dataset.interactions["behaviour"].tolist() == ["click", "buy", "fav", "cart"]
        assert dataset.interactions["timestamp"].tolist() == [1111, 1111, 511, 229]
        assert dataset.feedback == {"click": ("click",), "like": ("buy",)}

    def test_category_seller_and_brand_are_categorical_exposures(self, raw):
        dataset = load(raw)
        assert dataset.roles == dict.fromkeys(("category", "seller", "brand"), "exposure")
        assert all(feature.is_categorical for feature in dataset.features.values())
        assert dataset.features["brand"].columns == ("50", "51")
        assert dataset.features["brand"].mask.tolist() == [True, False, True]

    def test_the_window_is_for_the_other_layout(self, raw):
        with pytest.raises(DataError, match="window"):
            load(raw, window="official")

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("1,10,5,3,50,1301,0", "column `time_stamp`"),
            ("1,10,5,3,50,431,0", "column `time_stamp`"),
            ("1,10,5,3,50,1111,4", "column `action_type`"),
            ("1,10,5,3,5.5,1111,0", "column `brand_id`"),
            ("1,10,,3,50,1111,0", "column `cat_id`"),
            (",".join(HEADER), "header"),
        ],
    )
    def test_a_wrong_line_is_named(self, raw, line, message):
        with open(raw / "user_log_format1.csv", "a") as stream:
            stream.write(f"{line}\n")
        with pytest.raises(DataError, match=message) as caught:
            load(raw)
        assert str(caught.value.where) == f"{raw / 'user_log_format1.csv'}:6"


class TestAds:
    @pytest.fixture
    def raw(self, tmp_path):
        sample = "user,time_stamp,adgroup_id,pid,noclk,clk\n1,100,7,p,0,1\n1,90,8,p,0,1\n2,100,7,p,1,0\n2,100,9,p,0,1\n"
        ads = "adgroup_id,cate_id,campaign_id,customer,brand,price\n7,3,1,1,50,10.0\n8,3,1,1,NULL,20.0\n99,3,1,1,50,1\n"
        log = "user,time_stamp,btag,cate,brand\n1,99,buy,3,50\n1,100,cart,3,50\n1,120,buy,3,50\n1,130,pv,3,50\n"
        log += "2,150,buy,3,50\n"
        for name, text in (("raw_sample", sample), ("ad_feature", ads), ("behavior_log", log)):
            (tmp_path / f"{name}.csv").write_text(text)
        return tmp_path

    def test_rows_are_shows_and_some_are_clicks(self, raw):
        dataset = load(raw, like="click")
        assert len(events(dataset, "show")) == 4
        assert events(dataset, "click") == [("1", "7", 100), ("1", "8", 90), ("2", "9", 100)]
        assert dataset.single_behaviour

    def test_a_later_deed_with_the_ads_category_and_brand_is_linked_to_the_clicked_ad(self, raw):
        dataset = load(raw)
        assert events(dataset, "buy") == [("1", "7", 120)]
        assert events(dataset, "cart") == [("1", "7", 100)]
        linked = {"log_rows": 5, "log_views": 1, "log_rows_linked": 2, "events_linked": 2}
        assert dataset.provenance["linked"] == linked

    def test_only_a_like_beyond_the_click_needs_the_log(self, raw):
        (raw / "behavior_log.csv").unlink()
        assert "linked" not in load(raw, like="click").provenance
        with pytest.raises(DataError, match=r"like=buy` lacks behavior_log\.csv"):
            load(raw)

    def test_price_category_and_brand_may_be_missing(self, raw):
        dataset = load(raw)
        assert dataset.item_ids.tolist() == ["7", "8", "9"]
        assert dataset.features["price"].mask.tolist() == [True, True, False]
        assert dataset.features["category"].mask.tolist() == [True, True, False]
        assert dataset.features["brand"].mask.tolist() == [True, False, False]
        assert dataset.provenance["items_without_features"] == 1

    @pytest.mark.parametrize(
        ("file", "line", "message"),
        [
            ("raw_sample.csv", "1,100,7,p,0,2", "column `clk`"),
            ("ad_feature.csv", "7,3,1,1,50,1", "ad 7 is described twice"),
            ("ad_feature.csv", "6,3,1,1,none,1", "column `brand`"),
            ("ad_feature.csv", "6,3,1,1,1,dear", "column `price`"),
            ("behavior_log.csv", "1,100,look,3,50", "column `btag`"),
        ],
    )
    def test_a_wrong_line_is_named(self, raw, file, line, message):
        lines = (raw / file).read_text().count("\n")
        with open(raw / file, "a") as stream:
            stream.write(f"{line}\n")
        with pytest.raises(DataError, match=message) as caught:
            load(raw)
        assert str(caught.value.where) == f"{raw / file}:{lines + 1}"
