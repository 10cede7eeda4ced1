"""`gradcam explain`: a model and photos in, pictures, raw maps and records out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..option_types import FILE
from ..options import PIXELS, RUNTIME, options
from ..typed import Typed, flag, pieces

if TYPE_CHECKING:
    from ..inputs.opened import Setup
    from ..job import Explained, Job, Row


@dataclass(frozen=True, kw_only=True)
class Explain(Typed):
    """What was typed after `explain`."""

    model: str
    images: tuple[Path, ...]
    out: Path
    signed: bool
    no_pictures: bool


@click.command(short_help="Show where in a picture a model sees a class.")
@click.argument("model")
@click.argument("images", nargs=-1, type=FILE)
@options(
    Explain,
    *("target", "versus", "layer", "score", "method", *PIXELS, "static", "input", "connect"),
    *("labels", "label-offset", "threshold", *RUNTIME, "json", "output"),
    method={
        "default": None,
        "help": "See 'gradcam methods'. Default: hirescam of boxes and regions, layercam of "
        "readers, else gradcam. 'auto' is the same, and reciprocam where an operator of the model "
        "has no derivative.",
    },
    input={
        "metavar": "NAME=FILE",
        "help": "The array (.npy) or the picture of one of the model's inputs; repeatable.",
    },
    output={
        "default": ".",
        "metavar": "DIR",
        "help": "Folder for what is written; made if absent. Default: the current one.",
    },
)
@click.option("--signed", is_flag=True, help="Write the map with its negative part as well.")
@click.option("--no-pictures", is_flag=True, help="Write the maps and records alone, much faster.")
def explain(asked: Explain) -> None:
    """Show where in each of IMAGES the MODEL sees a class.

    IMAGES are pictures, folders, globs (in quotes or not), or arrays (.npy, .npz): floats of the
    model's shape are its input as it is, row by row; bytes [H, W, 3] are a photo. A model with
    several inputs gets the others by --input. Several models that work one after the other (an
    encoder and its decoder) are named one after the other, before the images; see --connect.

    Per image and target it writes a picture IMAGE.CLASS.METHOD.png in the photo's own coordinates,
    the raw map as .npy and all the facts as .json.

    \b
    gradcam explain model.onnx both.png --preprocess imagenet \\
        --labels imagenet_classes.txt --target "tiger cat" --target 243 -o out
    gradcam explain encoder.onnx decoder.onnx photo.jpg --connect image_embeddings \\
        --input point_coords=points.npy --input point_labels=labels.npy
    """
    from cam_core.methods import needs_passes

    from ..output import check_stems, print_json
    from ..passes import run
    from ..report import progress, show

    require_sense(asked)
    setup = set_up(asked)
    targets = setup.targets(asked_for(asked))
    check_stems(setup.slots)
    job = plan(asked, setup)
    rows: list[Row] = []
    records: list[Any] = []

    def tell(explained: Sequence[Explained], written: Sequence[Any]) -> None:
        rows.extend(one.row for one in explained)
        records.extend(written if asked.as_json else ())

    try:
        with progress(len(setup.slots) * len(targets), slow=needs_passes(job.method)) as step:
            run(job, setup, targets, one_scale=asked.scale == "shared", step=step, tell=tell)
    finally:
        if rows and not asked.as_json:
            show(rows, job, setup.named)
    if asked.as_json:
        print_json({"command": "explain", "folder": str(asked.out), "explanations": records})


def asked_for(asked: Explain) -> list[str]:
    """The targets, a mistake among them."""
    mistake = [] if asked.versus is None else [f"versus:{asked.versus}"]
    return [*asked.targets, *mistake]


def require_sense(asked: Explain) -> None:
    """Refuse what cannot be, before the model is opened."""
    from cam_core.methods import about_input

    from ..inputs.chained import split
    from ..inputs.given_files import find_files
    from ..output import check_directory

    if asked.method is not None:
        about_input(asked.method)  # refuses a name that there is not
    check_directory(asked.out)
    _, images = split(asked.model, asked.images)
    find_files(images)


def set_up(asked: Explain) -> Setup:
    """The model, and all that is to be explained."""
    from cam_core.sources import Sources

    from ..inputs.chained import open_models, split
    from ..inputs.opened import bring_together

    models, images = split(asked.model, asked.images)
    backend = open_models(models, asked)
    sources = Sources.of(backend, asked.model, flag)
    return bring_together(backend, sources, asked, images, pieces(asked, colours=True))


def plan(asked: Explain, setup: Setup) -> Job:
    """What stays the same from sample to sample."""
    from cam_core.head import head_of
    from cam_core.methods import usual_method
    from cam_core.report import versions

    from ..inputs.chained import split
    from ..inputs.pictured import aim
    from ..job import Job
    from ..output import sha256

    models, _ = split(asked.model, asked.images)
    digests = [sha256(model) for model in models]
    where = aim(setup.backend, asked.layer, setup.seen)
    return Job(
        model=", ".join(models),
        model_sha256=", ".join(filter(None, digests)) or None,
        backend=setup.backend,
        source=setup.source,
        labels=setup.labels,
        method=asked.method or usual_method(head_of(setup.backend)),
        layer=where.layer,
        folder=asked.out,
        signed=asked.signed,
        pictures=where.shown and not asked.no_pictures,
        versions=versions(),
        over=where.words,
        threshold=asked.threshold,
        prepare=setup.reader.other,
    )
