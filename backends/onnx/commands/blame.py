"""`gradcam blame`: which quantised or float16 tensors moved a model's answers."""

from __future__ import annotations

import click

from cam_core.cli.option_types import FILE
from cam_core.cli.options import PIXELS, RUNTIME, options

from .arguments import AskedBlame


@click.command(short_help="Say which quantised or float16 tensors moved a model's answers.")
@click.argument("model", type=FILE, metavar="FLOAT")
@click.argument("quantised", type=FILE, metavar="QUANTISED")
@click.argument("images", type=FILE, nargs=-1, required=True)
@options(
    AskedBlame,
    *("target", "score", *PIXELS, "static", "input", "labels", "label-offset", *RUNTIME),
    *("json", "output"),
    target={"help": "Whose score is looked at. Default: FLOAT's own answer, photo by photo."},
)
@click.option(
    "--keep",
    type=click.IntRange(1),
    default=8,
    show_default=True,
    help="How many tensors the proposed set keeps in float.",
)
@click.option(
    "--repair", type=FILE, metavar="OUT", help="Write QUANTISED with that set kept in float."
)
@click.option(
    "--node-data",
    type=FILE,
    metavar="FILE",
    help="Write the blame as node colours for Model Explorer.",
)
def blame(asked: AskedBlame) -> int:
    """Say which rounded tensors of QUANTISED moved FLOAT's answers, and which to keep in float.

    QUANTISED is FLOAT in QDQ form (QuantizeLinear, DequantizeLinear), in float16, or any file
    whose operators have FLOAT's names. IMAGES are pictures, folders or arrays: every second one
    ranks the tensors, the others measure what is left when sets of 1, 2, 4, ... tensors are kept in
    float. Beside it the same by SQNR, and at random.

    Exit code 1: the set that is proposed does not bring the answers nearer; nothing is written.

    \b
    gradcam blame model.onnx model.int8.onnx photos --preprocess imagenet
    gradcam blame model.onnx model.int8.onnx photos --keep 8 --repair model.fixed.onnx
    """
    from cam_core.cli.output import READ, check_file, print_json, write_json

    from . import blame_steps as steps
    from .blame_found import measure
    from .blame_words import tell

    places = {"-o": asked.out, "--repair": asked.repair, "--node-data": asked.node_data}
    for named, path in places.items():
        check_file(path, named, {READ: [asked.model, asked.quantised]})
    for path in (asked.repair, asked.node_data):
        steps.require_folder(path)
    opened = steps.open_models(asked)
    found = measure(opened, asked.keep)
    files = steps.write(opened, found, asked)
    facts = steps.record(opened, found, files)
    write_json(asked.out, facts)
    if asked.as_json:
        print_json(facts)
    else:
        tell(opened, found, files)
    return 0 if found.nearer else 1
