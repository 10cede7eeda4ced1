"""A log against its baseline on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cam_core.compare.limits import Checked

from ..compare.words import limits_said
from ..report import console, grid, lines

COLUMNS = {"": "", "baseline": "r", "log": "r", "distance": "r", "p": "r", "what it is": ""}
CLASSES = 5
"""Of those that moved farthest."""


def show(facts: Mapping[str, Any], checked: Sequence[Checked], names: Sequence[str]) -> None:
    """The verdict, a table of the numbers, and of an alarm the classes to look at."""
    out = console()
    lines(out, [("verdict", str(facts["verdict"]["line"]))])
    if facts["numbers"]:
        out.print(grid(COLUMNS, [row(one) for one in facts["numbers"]]))
    moved = facts["classes"][:CLASSES] if facts["verdict"]["word"] == "not the same" else []
    told = [("class", class_said(one)) for one in moved]
    lines(out, [*told, *limits_said(checked), *(("wrote", name) for name in names)])


def row(one: Mapping[str, Any]) -> list[str]:
    """A number: medians, how far apart its distributions are, and whether that is chance."""
    name = f"{one['name']} *" if one["moved"] else str(one["name"])
    numbers = [f"{one[key]:.4g}" for key in ("then", "now", "distance", "p")]
    return [name, *numbers, f"{one['summary']} [{one['unit']}]"]


def class_said(one: Mapping[str, Any]) -> str:
    """The number of a class that moved farthest."""
    return (
        f"{one['class']} ({one['rows']} rows): {one['number']} {one['then']:.4g} -> "
        f"{one['now']:.4g}, distance {one['distance']:.2g}"
    )
