"""The one function that the command line calls."""

import pytest

from graphrec.errors import RecipeError, UnknownNameError
from graphrec.simulation import Truth, World, simulate, worlds


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
        ({"users": "many"}, "setting `users`"),
        ({"missing": 1.0}, "setting `missing`"),
        ({"items": 5, "shown": 6}, r"shown \(6\) must not exceed items \(5\)"),
    ],
)
def test_a_wrong_setting_is_named_and_nothing_is_written(tmp_path, settings, message):
    with pytest.raises(RecipeError, match=message):
        simulate("tiktok", tmp_path / "w", **settings)
    assert not (tmp_path / "w").exists()


def test_every_world_has_a_line_for_the_listing():
    for name, summary in worlds.summaries():
        assert issubclass(worlds.get(name), World)
        assert summary.endswith(".")
