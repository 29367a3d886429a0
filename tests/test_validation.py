"""Settings where none can be set: the message says so, and names what takes none."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict

from graphrec.errors import RecipeError, UnknownNameError
from graphrec.validation import validated


class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Holder(BaseModel):
    model_config = ConfigDict(extra="forbid")
    inner: Nothing = Nothing()


@pytest.mark.parametrize(
    ("model", "values", "prefix", "expected"),
    [
        (Nothing, {"depth": 1}, "", "nothing: there is no shop option"),
        (Nothing, {"depth": 1}, "decoder.", "nothing: `decoder` takes no settings"),
        (Holder, {"inner": {"depth": 1}}, "decoder.", "nothing: `decoder.inner` takes no settings"),
    ],
)
def test_a_component_without_settings_says_that_it_takes_none(
    model: type[BaseModel], values: dict[str, object], prefix: str, expected: str
) -> None:
    with pytest.raises(RecipeError) as caught:
        validated(model, values, "my.toml", what="shop option", prefix=prefix)
    assert caught.value.expected == expected


def test_a_name_where_there_is_none_to_choose_from_says_so() -> None:
    assert UnknownNameError("modality", "visual", ()).expected == "nothing: there is no modality"
