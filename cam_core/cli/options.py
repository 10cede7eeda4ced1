"""The table of options: each is written once, every command picks its rows and gets one object."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from .option_types import FILE, Shape, Share, no_stdout
from .pixel_options import PIXEL_OPTIONS
from .typed import Typed

Asked = TypeVar("Asked", bound=Typed)
Result = TypeVar("Result")


OPTIONS: dict[str, tuple[tuple[str, ...], Mapping[str, Any]]] = {
    "target": (
        ("--target", "targets"),
        {
            "multiple": True,
            "help": "What to explain; repeatable: a class (243), a label (tiger cat), top:3, "
            "prob:243, one class against another (243-282), what speaks against it (-243), value, "
            "like:other.jpg, of a detector box:0, box:all, person@x,y; loss:243, whose gradient "
            "leads away from the class. 'gradcam targets' lists all. Default: what suits the "
            "model, the top class of a classifier.",
        },
    ),
    "versus": (
        ("--versus",),
        {
            "metavar": "LABEL",
            "help": "A mistake: the class that is true. Its map, that of the class that the model "
            "says and their difference in one picture, on one scale.",
        },
    ),
    "layer": (
        ("--layer",),
        {"help": "Where to look: a tensor, a node, a module path or an index of 'gradcam layers'."},
    ),
    "layers": (
        ("--layer", "layers"),
        {
            "multiple": True,
            "help": "A tensor, a node, a module path or an index of 'gradcam layers'; repeatable.",
        },
    ),
    "score": (("--score",), {"help": "The tensor with the scores, where the one found is wrong."}),
    "method": (
        ("--method",),
        {
            "default": "gradcam",
            "show_default": True,
            "help": "See 'gradcam methods'; with options as legrad:blocks=1.",
        },
    ),
    "methods": (
        ("--method", "methods"),
        {
            "multiple": True,
            "help": "See 'gradcam methods'; with options as legrad:blocks=1 or "
            "rise:masks=500,cells=5; several give one sheet a photo as well. Default: "
            "hirescam of boxes and regions, layercam of readers, else gradcam. 'auto' is the "
            "same, and reciprocam where an operator of the model has no derivative; 'best' is what "
            "ranks first in the documentation for such a score.",
        },
    ),
    "fuse": (
        ("--fuse",),
        {
            "metavar": "HOW",
            "help": "Several layers as one map: max, mean, product, root or scaled-max.",
        },
    ),
    "smooth": (
        ("--smooth", "smooths"),
        {
            "multiple": True,
            "metavar": "HOW",
            "help": "aug: the mean over the picture, its mirror image and other brightness; eigen: "
            "the first principal component of the weighted activations. Repeatable.",
        },
    ),
    "threshold": (
        ("--threshold",),
        {
            "type": Share(),
            "default": 0.25,
            "show_default": True,
            "help": "Of a detector: the probability from which on there is a box.",
        },
    ),
    "input": (
        ("--input", "inputs"),
        {
            "multiple": True,
            "metavar": "NAME=FILE.npy",
            "help": "The array of one of the model's inputs; repeatable.",
        },
    ),
    "connect": (
        ("--connect",),
        {
            "multiple": True,
            "metavar": "OUTPUT[=INPUT]",
            "help": "Of several models: the output that is an input of a later one; repeatable. "
            "Default: all of one name.",
        },
    ),
    "crop": (
        ("--crop", "crops"),
        {
            "multiple": True,
            "metavar": "BOX",
            "help": "Of a detector and then a model: the box of the detector that the model is "
            "shown, cut out of the photo: box:0 (the best), box:all, person, person@x,y; "
            "repeatable. The map is painted on the whole photo. --target, --layer and all else "
            "is about the model, --threshold about the detector.",
        },
    ),
    "crop-margin": (
        ("--crop-margin",),
        {
            "default": 0.0,
            "metavar": "PART",
            "help": "What --crop cuts out beyond each side of the box, as a part of the box's "
            "width and height, such as 0.1.",
        },
    ),
    "crop-labels": (
        ("--crop-labels",),
        {
            "type": FILE,
            "metavar": "FILE",
            "help": "The detector's class names, one a line, where its file has none.",
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
    "backend": (
        ("--backend",),
        {
            "metavar": "NAME",
            "help": "What runs the model, such as openvino for an .onnx file. Default: what the "
            "model itself says.",
        },
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
    "static": (
        ("--static", "shapes"),
        {
            "type": Shape(),
            "multiple": True,
            "metavar": "[NAME=]N,C,H,W",
            "help": "Fix the shape of the input where it is open; repeatable.",
        },
    ),
    **PIXEL_OPTIONS,
}
"""name: (what is typed, and the settings of click)."""

PIXELS = tuple(PIXEL_OPTIONS)
"""How a photo becomes an input."""
RUNTIME = ("provider", "optimization", "custom-ops")
"""How a file is run in onnxruntime."""
ANYWHERE = ("backend", *RUNTIME)
"""How a model is run, whatever runs it."""


def options(
    made: type[Asked], *names: str, **changes: Mapping[str, Any]
) -> Callable[[Callable[[Asked], Result]], Callable[..., Result]]:
    """Add rows of OPTIONS to a command, in this order; it is called with one `made` of all of them.

    Args:
        made: what holds that which was typed, a field each; the command's own arguments and
            options are fields of it as well.
        changes: by name, settings of a row that differ for this command.
    """

    def add(command: Callable[[Asked], Result]) -> Callable[..., Result]:
        @functools.wraps(command)
        def run(**typed: Any) -> Result:
            return command(made(**typed, order=tuple(typed)))

        for name in reversed(names):
            flags, settings = OPTIONS[name]
            own = changes.get(name.replace("-", "_"), {})
            run = click.option(*flags, **{**settings, **own})(run)
        return run

    return add
