"""The table of options: each is written once, and every command picks its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from cam_core.errors import InputError
from cam_core.image import PRESETS
from cam_core.image.place import FITS

from .option_types import Numbers, Scale, Size

Command = TypeVar("Command", bound=Callable[..., Any])

FILE = click.Path(path_type=Path, readable=False)


def no_stdout(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    """Refuse what would be lost: commands print there, and libraries are kept from it."""
    if path is not None and str(path) in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"):
        raise InputError(f"-o '{path}': commands print there. Name a file or a pipe.")
    return path


OPTIONS: dict[str, tuple[tuple[str, ...], Mapping[str, Any]]] = {
    "target": (
        ("--target", "targets"),
        {
            "multiple": True,
            "help": "What to explain; repeatable: a class (243), a label (tiger cat), top:3, "
            "prob:243, or one class against another (243-282). Default: the top class.",
        },
    ),
    "layer": (
        ("--layer",),
        {"help": "Where to look: a tensor, a node, a module path or an index of 'gradcam layers'."},
    ),
    "score": (("--score",), {"help": "The tensor with the scores, where the one found is wrong."}),
    "method": (
        ("--method",),
        {"default": "gradcam", "show_default": True, "help": "See 'gradcam methods'."},
    ),
    "input": (
        ("--input", "inputs"),
        {
            "multiple": True,
            "metavar": "NAME=FILE.npy",
            "help": "The array of one of the model's inputs; repeatable.",
        },
    ),
    "labels": (
        ("--labels", "labels_file"),
        {"type": FILE, "metavar": "FILE", "help": "Class names, one a line."},
    ),
    "label-offset": (
        ("--label-offset",),
        {"default": 0, "help": "The class of the first line of --labels."},
    ),
    "provider": (
        ("--provider", "providers"),
        {
            "multiple": True,
            "help": "cpu, cuda or an execution provider's name; repeatable, best first.",
        },
    ),
    "optimization": (
        ("--optimization",),
        {
            "default": "all",
            "show_default": True,
            "type": click.Choice(["all", "extended", "basic", "disabled"]),
            "help": "How far the runtime may rewrite the model.",
        },
    ),
    "custom-ops": (
        ("--custom-ops",),
        {
            "multiple": True,
            "metavar": "LIB",
            "type": FILE,
            "help": "A library with the model's own operators; repeatable.",
        },
    ),
    "verify": (
        ("--verify/--no-verify",),
        {"default": True, "help": "Compare the original outputs before and after."},
    ),
    "json": (
        ("--json", "as_json"),
        {"is_flag": True, "help": "Print the record as JSON instead of the table."},
    ),
    "output": (
        ("-o", "--output", "out"),
        {
            "type": FILE,
            "metavar": "FILE",
            "callback": no_stdout,
            "help": "Write the record as JSON to this file, too.",
        },
    ),
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
        {
            "type": Scale(),
            "metavar": "each|shared",
            "help": "Colours: each picture its own scale, or one for all pictures of the run. "
            "A number here is the same as --rescale.",
        },
    ),
}
"""name: (what is typed, and the settings of click)."""

PIXELS = ("preprocess", "mean", "std", "rescale", "bgr", "size", "resize", "fit", "scale")
"""How a photo becomes an input; a command hands them on to `sources.Sources`."""
RUNTIME = ("provider", "optimization", "custom-ops")
"""How the model is run."""


def options(*names: str, **changes: Mapping[str, Any]) -> Callable[[Command], Command]:
    """Add rows of OPTIONS to a command, in this order.

    Args:
        changes: by name, settings of a row that differ for this command.
    """

    def add(command: Command) -> Command:
        for name in reversed(names):
            typed, settings = OPTIONS[name]
            own = changes.get(name.replace("-", "_"), {})
            command = click.option(*typed, **{**settings, **own})(command)
        return command

    return add


def opening(
    layer: str | None,
    score: str | None,
    providers: tuple[str, ...],
    optimization: str,
    custom_ops: tuple[Path, ...],
) -> dict[str, Any]:
    """What `open_backend` is to be told, defaults left out: other backends have other options."""
    given: dict[str, Any] = {
        "layer": layer,
        "score": score,
        "providers": list(providers),
        "optimization": None if optimization == "all" else optimization,
        "custom_ops": [str(path) for path in custom_ops],
    }
    return {name: value for name, value in given.items() if value}


def settled(pieces: Mapping[str, Any]) -> dict[str, Any]:
    """The flags that were given, as fields of Preprocess."""
    given = {name: value for name, value in pieces.items() if value is not None}
    scale, rescale = given.pop("scale", None), given.pop("rescale", None)
    if isinstance(scale, str):
        raise click.BadParameter(
            "colours pictures, which this command does not make.", param_hint="--scale"
        )
    if scale is not None and rescale is not None:
        raise click.BadParameter(
            "a number is the same as --rescale: give one of them.", param_hint="--scale"
        )
    number = rescale if scale is None else scale
    return given if number is None else given | {"scale": number[0]}
