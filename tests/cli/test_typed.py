"""What a command gets: one object that nobody changes."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from cam_core.cli.options import options
from cam_core.cli.typed import Typed, extents, flag, opening, pieces


@dataclass(frozen=True, kw_only=True)
class Own(Typed):
    """With a field of the command's own."""

    loud: bool


def typed(*args: str) -> Own:
    """What `args` become."""
    seen: list[Own] = []

    @click.command()
    @options(Own, "target", "layer", "provider", "mean", "std", "fit", "scale", "rescale")
    @click.option("--loud", is_flag=True)
    def command(asked: Own) -> None:
        seen.append(asked)

    result = CliRunner().invoke(command, args, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return seen[0]


def test_a_field_for_each_option_and_none_to_write_to() -> None:
    asked = typed("--target", "3", "--target", "cat", "--loud")
    assert (asked.targets, asked.loud, asked.layer) == (("3", "cat"), True, None)
    assert asked.labels_file is None  # a row that this command has not
    with pytest.raises(FrozenInstanceError):
        asked.loud = False


def test_what_was_not_typed_is_not_handed_on() -> None:
    assert opening(typed()) == {}
    asked = Typed(layer="c", optimization="basic", custom_ops=(Path("ops.so"),))
    assert opening(asked) == {"layer": "c", "optimization": "basic", "custom_ops": ["ops.so"]}


def test_what_is_said_of_open_extents() -> None:
    assert extents(typed()) == {"static": None, "size": None}
    asked = Typed(shapes=(("", (1, 3)),), size=(8, 12))
    assert extents(asked) == {"static": (1, 3), "size": (8, 12)}
    assert opening(asked) == {"static": (1, 3), "size": (8, 12)}
    assert extents(Typed(shapes=(("a", (1, 3)), ("b", (2,)))))["static"] == {"a": (1, 3), "b": (2,)}
    for shapes in ((("a", (1,)), ("a", (2,))), (("", (1,)), ("b", (2,)))):
        with pytest.raises(click.UsageError):
            extents(Typed(shapes=shapes))


def test_pieces_come_in_the_order_of_the_line() -> None:
    found = pieces(typed("--fit", "crop", "--std", "2", "--mean", "1,2,3", "--scale", "1/255"))
    assert list(found) == ["fit", "std", "mean", "scale"]
    assert found == {"fit": "crop", "std": (2,), "mean": (1, 2, 3), "scale": 1 / 255}
    assert list(map(flag, found)) == ["--fit", "--std", "--mean", "--rescale"]


@pytest.mark.parametrize(
    ("values", "said"),
    [({"scale": "shared"}, "colours"), ({"scale": (2.0,), "rescale": (2.0,)}, "give one of them")],
)
def test_a_scale_that_cannot_be_meant(values: dict[str, Any], said: str) -> None:
    with pytest.raises(click.BadParameter, match=said):
        pieces(Typed(**values))


def test_a_scale_may_be_of_colours_where_pictures_are_made() -> None:
    assert pieces(Typed(scale="shared"), colours=True) == {}
