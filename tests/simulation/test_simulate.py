"""The one function that the command line calls."""

import pytest
from support.command_line import refused

import graphrec.simulation.size
from graphrec.errors import DataError, RecipeError, UnknownNameError
from graphrec.simulation import Truth, World, simulate, worlds

SMALL = {"users": 5, "items": 10, "shown": 5, "vocabulary": 20}


def test_a_world_is_drawn_by_name_with_settings_from_a_command_line(tmp_path):
    out = simulate("tiktok", tmp_path / "w", users="6", items="30", shown="10", vocabulary=20, strength="4.5")
    truth = Truth.load(out)
    assert (truth.num_users, truth.num_items, truth.config.strength) == (6, 30, 4.5)


def test_an_unknown_world_names_the_known_ones(tmp_path):
    with pytest.raises(UnknownNameError, match="did you mean `tiktok`"):
        simulate("tictok", tmp_path / "w")
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"strenght": 3}, "no setting `strenght`; did you mean `strength`"),
        (
            {"users": 0},
            "setting `users` .* wrong value\n.*greater than or equal to 1 .*number of users.*\n.*users=0",
        ),
        ({"users": -5}, "setting `users` .* wrong value"),
        ({"items": 0}, "setting `items` .* wrong value"),
        ({"users": "many"}, "setting `users`"),
        ({"users": True}, "setting `users` .* wrong value\n.*a number .*\n.*users=True"),
        ({"seed": -1}, "setting `seed`"),
        ({"drift": "nan"}, "setting `drift` .* wrong value\n.*a finite number"),
        ({"match_scale": -1.0}, "setting `match_scale`"),
        ({"users": 10**20}, "setting `users` .*\n.*less than or equal to 1000000000"),
        ({"strength": 1e308}, "setting `strength`"),
        ({"words": 1e30}, "setting `words`"),
        ({"days": 10**15}, "setting `days`"),
        ({"missing": 1.0}, "setting `missing`"),
        ({"items": 5, "shown": 6}, r"shown \(6\) must not exceed items \(5\)"),
    ],
)
def test_a_wrong_setting_is_named_and_nothing_is_written(tmp_path, settings, message):
    with pytest.raises(RecipeError, match=message) as caught:
        simulate("tiktok", tmp_path / "w", **settings)
    assert caught.value.next_step
    assert not (tmp_path / "w").exists()


def test_a_wrong_value_of_a_long_setting_is_reported_on_one_line(tmp_path):
    with pytest.raises(RecipeError) as caught:
        simulate("tiktok", tmp_path / "w", drift="much")
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0].strip() for line in lines[1:]] == ["expected", "got", "next step"]
    assert lines[3].endswith("leave it out for the default, 0.0")


def test_a_world_that_does_not_fit_into_memory_is_refused_before_it_is_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(graphrec.simulation.size, "physical_bytes", lambda: 10 * 2**20)
    with pytest.raises(DataError, match="does not fit into memory") as caught:
        simulate("tiktok", tmp_path / "w", users=10**9, items=10, shown=5)
    assert "fewer `users`" in str(caught.value.next_step)
    # The tastes of so many users fit into 10 MiB, the log does not, which its first block shows.
    with pytest.raises(DataError, match=r"does not fit into memory\n  expected: at most 0\.0 GiB"):
        simulate("tiktok", tmp_path / "w", users=20_000, items=200, shown=100)
    assert not (tmp_path / "w").exists()


def test_features_that_do_not_fit_into_memory_are_a_typed_error(tmp_path, monkeypatch):
    def no_memory(config, latents):
        raise MemoryError("Unable to allocate 56.8 PiB")

    monkeypatch.setattr("graphrec.simulation.tiktok.draw_features", no_memory)
    with pytest.raises(DataError, match=r"does not fit into memory\n  got: Unable to allocate 56\.8 PiB"):
        simulate("tiktok", tmp_path / "w", **SMALL)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("file", "got: a file"),
        ("file/below", "got: a file in place of its parent folder"),
        ("folder", "got: a folder with other content"),
    ],
)
def test_what_is_in_the_way_is_refused_and_kept(tmp_path, out, message):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match=message) as caught:
        simulate("tiktok", tmp_path / out, **SMALL)
    assert "choose another" in str(caught.value.next_step)
    assert (tmp_path / "file").read_text() == (tmp_path / "folder" / "mine.txt").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tiktok", "--users", "-5"], "setting `users` of world `tiktok` has a wrong value"),
        (["tiktok", "--items", "0"], "setting `items` of world `tiktok` has a wrong value"),
        (["tiktok", "--set", "shown=many"], "setting `shown` of world `tiktok` has a wrong value"),
        (["tictok"], "did you mean `tiktok`"),
        (["tiktok", "--set", "strenght=3"], "did you mean `strength`"),
        (["tiktok", "--users", "99999999999999999999"], "less than or equal to 1000000000"),
        (["tiktok", "--from", "nowhere"], "no prepared data here"),
    ],
)
def test_the_command_reports_a_wrong_input_without_a_traceback(call, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    refused(call("simulate", *arguments, "--out", "w"), message)
    assert list(tmp_path.iterdir()) == []


def test_text_for_a_number_names_the_option(call, tmp_path):
    answer = call("simulate", "tiktok", "--out", tmp_path / "w", "--users", "many")
    assert answer.status == 2 and "'--users'" in answer.err and "Traceback" not in answer.err


def test_every_world_has_a_line_for_the_listing():
    for name, summary in worlds.summaries():
        assert issubclass(worlds.get(name), World)
        assert summary.endswith(".")
