"""What may be written after an option, where it is more than a word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cam_core.errors import InputError

FILE = click.Path(path_type=Path, readable=False)


class Numbers(click.ParamType[tuple[float, ...]]):
    """Numbers with commas, as many as one of `counts`; fractions such as 1/255 are welcome."""

    name = "numbers"

    def __init__(self, *counts: int) -> None:
        self.counts = counts or (1, 3)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        found = numbers(value)
        if len(found) not in self.counts:
            wanted = (
                "a single number (1/255)"
                if self.counts == (1,)
                else "one number, nor three with commas (0.5 or 104,117,123)"
            )
            self.fail(f"'{value}' is not {wanted}.", param, ctx)
        return found


class Names(click.ParamType[tuple[str, ...]]):
    """Names with commas between them."""

    name = "names"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        if not isinstance(value, str):
            return tuple(value)
        found = tuple(part.strip() for part in value.split(","))
        if not all(found):
            self.fail(f"'{value}' is not names with commas between them: a,b.", param, ctx)
        return found


class Share(click.FloatRange):
    """A number from 0 to 1."""

    def __init__(self) -> None:
        super().__init__(0, 1)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        found: float = super().convert(value, param, ctx)
        if found != found:  # NaN lies in every range
            self.fail(f"'{value}' is no number from 0 to 1.", param, ctx)
        return found


class Scale(click.ParamType["str | tuple[float, ...]"]):
    """each, shared, or a number, which then is meant for the pixels."""

    name = "scale"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> str | tuple[float, ...]:
        if value in ("each", "shared"):
            return str(value)
        found = numbers(value)
        if len(found) != 1:
            self.fail(f"'{value}' is neither each, shared nor a single number.", param, ctx)
        return found


class Size(click.ParamType[tuple[int, int]]):
    """224, or height x width as in 480x640."""

    name = "size"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        sides = value.lower().split("x")
        if len(sides) > 2 or not all(side.isdecimal() and int(side) for side in sides):
            self.fail(f"'{value}' is neither a side (224) nor height x width (480x640).")
        return int(sides[0]), int(sides[-1])


class Shape(click.ParamType[tuple[str, tuple[int, ...]]]):
    """1,3,224,224, or of one input among several, tokens=1,128."""

    name = "shape"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, tuple[int, ...]]:
        name, _, text = value.rpartition("=")
        extents = text.split(",")
        if not all(part.isdecimal() and int(part) for part in extents):
            self.fail(f"'{value}' is no shape: extents with commas (1,3,224,224).", param, ctx)
        return name, tuple(int(part) for part in extents)


def numbers(text: str) -> tuple[float, ...]:
    """Numbers with commas; none where something else is written."""
    try:
        return tuple(fraction(part) for part in text.split(","))
    except (ValueError, ZeroDivisionError):
        return ()


def fraction(text: str) -> float:
    """'0.5' or '1/255'."""
    top, slash, bottom = text.partition("/")
    return float(top) / float(bottom) if slash else float(text)


def no_stdout(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    """Refuse what would be lost: commands print there, and libraries are kept from it."""
    if path is not None and str(path) in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"):
        raise InputError(f"-o '{path}': commands print there. Name a file or a pipe.")
    return path
