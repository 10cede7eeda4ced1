"""The options that say how a photo becomes an input; rows of the table in options.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from cam_core.image import PRESETS
from cam_core.image.place import FITS

from .option_types import Numbers, Scale, Size

PIXEL_OPTIONS: dict[str, tuple[tuple[str, ...], Mapping[str, Any]]] = {
    "preprocess": (
        ("--preprocess",),
        {
            "type": click.Choice(list(PRESETS)),
            "help": "How the model was trained to see photos; the flags below override its pieces. "
            "Default: what the model or the files beside it say, else a guess.",
        },
    ),
    "mean": (("--mean",), {"type": Numbers(), "help": "Taken off after --rescale: one or three."}),
    "std": (("--std",), {"type": Numbers(), "help": "Divided by after --mean: one or three."}),
    "rescale": (
        ("--rescale",),
        {"type": Numbers(1), "help": "Multiplies pixels 0..255, such as 1/255."},
    ),
    "bgr": (("--bgr/--rgb",), {"default": None, "help": "Order of the colour channels."}),
    "size": (("--size",), {"type": Size(), "help": "Input size, where the model leaves it open."}),
    "resize": (
        ("--resize",),
        {"type": click.IntRange(1), "help": "Shorter side before the centre is cut out."},
    ),
    "fit": (("--fit",), {"type": click.Choice(FITS), "help": "How a photo is made to fit."}),
    "scale": (
        ("--scale",),
        {"type": Scale(), "metavar": "NUMBER", "help": "The same as --rescale."},
    ),
}
"""name: (what is typed, and the settings of click)."""
