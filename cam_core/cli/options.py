"""Flags that say how the model wants its photo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import click
import numpy as np

from cam_core.backend import InputInfo
from cam_core.image import PRESETS, Preprocess
from cam_core.image.place import FITS

Command = TypeVar("Command", bound=Callable[..., Any])


class Numbers(click.ParamType[tuple[float, ...]]):
    """One number or three, with commas; fractions such as 1/255 are welcome."""

    name = "numbers"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        try:
            found = tuple(fraction(part) for part in value.split(","))
        except (ValueError, ZeroDivisionError):
            found = ()
        if len(found) not in (1, 3):
            self.fail(f"'{value}' is not one number, nor three with commas (0.5 or 104,117,123).")
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


def fraction(text: str) -> float:
    """'0.5' or '1/255'."""
    top, slash, bottom = text.partition("/")
    return float(top) / float(bottom) if slash else float(text)


def preprocess_flags(command: Command) -> Command:
    """Add the flags to a command; it gets them by the names that `build_preprocess` takes."""
    flags = [
        click.option(
            "--preprocess",
            type=click.Choice(list(PRESETS)),
            help="How the model was trained to see photos; the flags below override its pieces.",
        ),
        click.option("--mean", type=Numbers(), help="Taken off after --scale: one or three."),
        click.option("--std", type=Numbers(), help="Divided by after --mean: one or three."),
        click.option("--scale", type=Numbers(), help="Multiplies pixels 0..255, such as 1/255."),
        click.option("--bgr/--rgb", default=None, help="Order of the colour channels."),
        click.option("--size", type=Size(), help="Input size, where the model leaves it open."),
        click.option(
            "--resize", type=click.IntRange(1), help="Shorter side before the centre is cut out."
        ),
        click.option("--fit", type=click.Choice(FITS), help="How a photo is made to fit."),
    ]
    for flag in reversed(flags):
        command = flag(command)
    return command


def build_preprocess(info: InputInfo, preset: str | None, **pieces: Any) -> tuple[Preprocess, str]:
    """The preprocessing asked for, and in words where it comes from.

    Without any flag it is a guess, and said to be one: ImageNet's for float colour input, 0..1 for
    float grey, the bare pixels for integers.
    """
    given = {name: value for name, value in pieces.items() if value is not None}
    if "scale" in given:
        if len(given["scale"]) != 1:
            raise click.BadParameter("give a single number", param_hint="--scale")
        given["scale"] = given["scale"][0]
    flags = " ".join(f"--{name}" for name in given)
    if preset is not None:
        source = f"--preprocess {preset}" + (f" with {flags}" if flags else "")
        return replace(PRESETS[preset], **given), source
    if given.keys() & {"mean", "std", "scale"}:
        return replace(PRESETS["raw"], **given), flags
    guess = guess_preset(info)
    source = f"{guess}, a guess as no --preprocess was given" + (f"; {flags}" if flags else "")
    return replace(PRESETS[guess], **given), source


def guess_preset(info: InputInfo) -> str:
    """What most models of this kind of input want."""
    if np.issubdtype(info.dtype, np.integer):
        return "raw"
    grey = len(info.shape) == 4 and info.channel_axis is not None
    return "unit" if grey and info.shape[info.channel_axis or 1] == 1 else "imagenet"
