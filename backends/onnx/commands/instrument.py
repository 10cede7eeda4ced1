"""`gradcam instrument`: writes the file, compares the outputs and says what was done."""

from __future__ import annotations

import click

from cam_core.cli.options import PIXELS, RUNTIME, options

from ..reading.names import OUTPUTS
from .arguments import MODEL, OUT, PROFILE, Instrument


@click.command(short_help="Write a .onnx that gives its own class activation map.")
@MODEL
@options(
    Instrument,
    *("target", "layers", "score", "method", "fuse", *PIXELS, "static", "input", "labels"),
    *("label-offset", *RUNTIME, "verify", "json", "output"),
    target={
        "help": "input (the class is an input, cam_class), cotangent, or as in explain: top:k, "
        "243, a label, prob:243, 243-282; repeatable. Default: input.",
    },
    output=OUT,
    size={"help": "Input size, where the model leaves it open; fixed in the file."},
    static={
        "help": "Fix the shape of the input, for compilers that take no dynamic one; repeatable."
    },
    labels={"help": "Class names, one a line; kept in the file."},
)
@click.option("--gate", is_flag=True, help="Add the input cam_enable; false costs nothing.")
@click.option(
    "--outputs", default="map", show_default=True, help=f"With commas: {', '.join(OUTPUTS)}."
)
@click.option(
    "--stats",
    is_flag=True,
    help="Add the output cam_stats: eight numbers a map to log, for 'gradcam monitor'.",
)
@click.option("--guided", is_flag=True, help="Guided backpropagation instead of the gradient.")
@click.option(
    "--profile",
    type=PROFILE,
    help="web: add only what browsers run on WebGPU, and fix every size that is open.",
)
@click.option(
    "--weights",
    type=click.Choice(["link", "copy"]),
    default="copy",
    show_default=True,
    help="How external weights come to another folder; onnx.load refuses linked ones.",
)
def instrument(asked: Instrument) -> int:
    """Write a plain .onnx file that gives MODEL's outputs and its class activation map.

    Preprocessing and labels are kept in the file: those of the flags, else those that the model
    or the files beside it name. Exit code 1: the original outputs moved by more than rounding.

    \b
    gradcam instrument model.onnx -o model.cam.onnx
    gradcam instrument model.onnx -o model.cam.onnx --target top:1 --outputs map,score,class_used
    """
    from cam_core.cli.output import print_json

    from . import instrument_steps as steps

    backend = steps.open_model(asked)
    kept = steps.find_kept(asked, backend)
    backend = steps.at_fixed_sizes(asked, backend, kept)
    result = steps.make(asked, backend, kept)
    found = steps.find_moved(asked, backend, result) if asked.verify else None
    files = steps.write_files(asked, backend, result)
    written = steps.Written(asked, backend, result, kept, found, files)
    if asked.as_json:
        print_json(written.record())
    else:
        written.tell()
    return 1 if found is not None and found.moved else 0
