"""`gradcam explain`: a model and photos in, pictures, raw maps and records out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..options import FILE, PIXELS, RUNTIME, opening, options


@click.command(short_help="Show where in a picture a model sees a class.")
@click.argument("model")
@click.argument("images", nargs=-1, type=FILE)
@options(
    *("target", "layer", "score", "method", *PIXELS, "input", "labels", "label-offset"),
    *(*RUNTIME, "json", "output"),
    output={
        "default": ".",
        "metavar": "DIR",
        "help": "Folder for what is written; made if absent. Default: the current one.",
    },
)
@click.option("--signed", is_flag=True, help="Write the map with its negative part as well.")
def explain(
    model: str,
    images: tuple[Path, ...],
    targets: tuple[str, ...],
    layer: str | None,
    score: str | None,
    method: str,
    preprocess: str | None,
    scale: Any,
    inputs: tuple[str, ...],
    labels_file: Path | None,
    label_offset: int,
    providers: tuple[str, ...],
    optimization: str,
    custom_ops: tuple[Path, ...],
    as_json: bool,
    out: Path,
    signed: bool,
    **pieces: Any,
) -> None:
    """Show where in each of IMAGES the MODEL sees a class.

    IMAGES are pictures, folders, globs (in quotes or not), or arrays (.npy, .npz): floats of the
    model's shape are its input as it is, row by row; bytes [H, W, 3] are a photo. A model with
    several inputs gets the others by --input.

    Per image and target it writes a picture IMAGE.CLASS.METHOD.png in the photo's own coordinates,
    the raw map as .npy and all the facts as .json.

    \b
    gradcam explain model.onnx both.png --preprocess imagenet \\
        --labels imagenet_classes.txt --target "tiger cat" --target 243 -o out
    """
    from cam_core.discover import open_backend
    from cam_core.errors import InputError
    from cam_core.explain import usable_method

    from ..inputs.given_files import expand
    from ..inputs.opened import prepare
    from ..job import Job, Look
    from ..output import check_directory, check_stems, print_json, sha256
    from ..report import progress, show

    usable_method(method)
    check_directory(out)
    if any(image.suffix == ".onnx" for image in images) and not model.endswith(".onnx"):
        raise InputError("the model comes first: gradcam explain model.onnx photo.jpg")
    expand(images)  # a folder without pictures is told before the model is opened
    colours = scale if isinstance(scale, str) else "each"
    backend = open_backend(model, **opening(layer, score, providers, optimization, custom_ops))
    setup = prepare(
        backend,
        Path(model),
        images,
        inputs,
        labels_file=labels_file,
        label_offset=label_offset,
        preprocess=preprocess,
        pieces=pieces | {"scale": None if isinstance(scale, str) else scale},
    )
    asked = setup.targets(targets)
    reader, slots = setup.reader, setup.slots
    check_stems(slots)
    job = Job(model, sha256(model), backend, setup.source, setup.labels, method, layer, out, signed)
    waiting: list[tuple[int, list[Look]]] = []
    written: list[Look] = []
    records: list[Any] = []
    try:
        with progress(len(slots) * len(asked)) as step:
            for index, slot in enumerate(slots):
                sample = reader.open(slot, index)
                looks = job.look(sample, asked, step)
                if colours == "shared":
                    waiting.append((index, looks))
                    continue
                records += job.write(sample, looks, {})
                written += looks
            tops = shared([look for _, looks in waiting for look in looks])
            for index, looks in waiting:
                records += job.write(reader.open(slots[index], index), looks, tops)
                written += looks
    finally:
        if written and not as_json:
            show([look.row for look in written], job, setup.named)
    if as_json:
        print_json({"command": "explain", "folder": str(out), "explanations": records})


def shared(looks: list[Any]) -> dict[str, float]:
    """By unit, the largest raw value of the run: the last colour of every picture."""
    tops: dict[str, float] = {}
    for look in looks:
        tops[look.unit] = max(tops.get(look.unit, 0.0), look.row.raw_max)
    return tops
