"""What may be typed after `boxes` and `masks` alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from ..commands.explain import Explain
from ..option_types import FILE
from ..options import ANYWHERE, PIXELS, options

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Segmenting(Explain):
    """What was typed."""

    signed: bool = False
    above: str | None
    calibrate: Path | None
    any_class: bool
    formats: tuple[str, ...]


COMMAND: tuple[tuple[tuple[str, ...], Mapping[str, Any]], ...] = (
    (
        ("--above",),
        {
            "metavar": "gradcam|cam|otsu|PART",
            "help": "The threshold, as a part of the map's maximum: Grad-CAM's 15 %, CAM's 20 %, "
            "Otsu's of each map, or a number from 0 to below 1. Default: gradcam.",
        },
    ),
    (
        ("--calibrate",),
        {
            "type": FILE,
            "metavar": "LABELS",
            "help": "Choose the threshold at which most maps box their object, on those of the "
            "photos that have labels: a file or folder of COCO, Pascal VOC, YOLO or ImageNet.",
        },
    ),
    (
        ("--any-class",),
        {"is_flag": True, "help": "Of --calibrate: boxes of all classes count, not the map's own."},
    ),
    (
        ("--no-pictures",),
        {"is_flag": True, "help": "Draw nothing over the photos, much faster."},
    ),
)
"""What is typed, and the settings of click."""


def segmenting(
    formats: tuple[str, ...], said: str
) -> Callable[[Callable[[Segmenting], Result]], Callable[..., Result]]:
    """The arguments and options of both; `formats`: what --format takes, `said`: of what."""

    def add(command: Callable[[Segmenting], Result]) -> Callable[..., Result]:
        run = options(
            Segmenting,
            *("target", "layer", "score", "methods", *PIXELS, "static", "input", "connect"),
            *("crop", "crop-margin", "crop-labels"),
            *("labels", "label-offset", "threshold", *ANYWHERE, "json", "output"),
            methods={"multiple": False, "help": METHOD, "callback": _alone},
            input={"metavar": "NAME=FILE", "help": INPUT},
            output={"default": ".", "metavar": "DIR", "help": FOLDER},
        )(command)
        kinds = click.Choice(formats)
        for flags, settings in reversed(COMMAND):
            run = click.option(*flags, **settings)(run)
        run = click.option("--format", "formats", multiple=True, type=kinds, help=said)(run)
        run = click.argument("images", nargs=-1, type=FILE)(run)
        return click.argument("model")(run)

    return add


def _alone(_: click.Context, __: click.Parameter, name: str | None) -> tuple[str, ...]:
    """One method, where others take several."""
    return () if name is None else (name,)


METHOD = (
    "See 'gradcam methods'; with options as rise:masks=500,cells=5. Default: hirescam of boxes and "
    "regions, else gradcam."
)
INPUT = "The array (.npy) or the picture of one of the model's inputs; repeatable."
FOLDER = "Folder for what is written; made if absent. Default: the current one."
