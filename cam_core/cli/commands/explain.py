"""`gradcam explain`: a model and photos in, pictures, raw maps and records out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..option_types import FILE
from ..options import ANYWHERE, PIXELS, options
from ..typed import Typed, flag, pieces

if TYPE_CHECKING:
    from cam_core.backend import Backend

    from ..explained import Explained, Row
    from ..inputs.cropping import Cropper
    from ..inputs.opened import Setup
    from ..job import Job


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
    *("target", "versus", "layers", "fuse", "score", "methods", "smooth", *PIXELS, "static"),
    *("input", "connect", "crop", "crop-margin", "crop-labels", "labels", "label-offset"),
    *("threshold", *ANYWHERE, "json", "output"),
    layers={
        "help": "Where to look: a tensor, a node, a module path or an index of 'gradcam layers'; "
        "repeatable: a picture each, or one with --fuse.",
    },
    scale={
        "metavar": "each|shared",
        "help": "Colours: each picture its own scale, or one for all pictures of the run. "
        "A number here is the same as --rescale.",
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
    encoder and its decoder) are named one after the other, before the images; see --connect. A
    detector and the model that is shown its boxes likewise; see --crop.

    What has no such box, region or character is told in a line; the other pictures are explained.

    Per image and target it writes a picture IMAGE.CLASS.METHOD.png in the photo's own coordinates,
    the raw map as .npy and all the facts as .json. Several methods are also set side by side in
    IMAGE.methods.png, a row a target.

    \b
    gradcam explain model.onnx both.png --preprocess imagenet \\
        --labels imagenet_classes.txt --target "tiger cat" --target 243 -o out
    gradcam explain encoder.onnx decoder.onnx photo.jpg --connect image_embeddings \\
        --input point_coords=points.npy --input point_labels=labels.npy
    gradcam explain detector.onnx classifier.onnx photo.jpg --crop person --crop-margin 0.1
    """
    from cam_core.methods import needs_passes

    from ..missed import tell, tell_missed
    from ..output import check_stems, print_json
    from ..passes import run
    from ..refused import Refused
    from ..report import progress, show

    require_sense(asked)
    cropper = cropper_of(asked)
    setup = set_up(asked, cropper)
    targets = setup.targets(asked_for(asked))
    check_stems(setup.slots)
    job = plan(asked, setup, cropper)
    missed, refused = [*setup.missed], Refused()
    rows: list[Row] = []
    records: list[Any] = []

    def keep(explained: Sequence[Explained], written: Sequence[Any]) -> None:
        rows.extend(one.row for one in explained)
        records.extend(written if asked.as_json else ())

    try:
        slow = any(map(needs_passes, job.methods))
        with progress(len(setup.slots) * len(targets), slow=slow) as step:
            one_scale = asked.scale == "shared"
            told: dict[str, Any] = {"tell": keep, "miss": missed.append, "refused": refused}
            run(job, setup, targets, one_scale=one_scale, step=step, **told)
    finally:
        if rows and not asked.as_json:
            show(rows, job, setup.named)
        tell(refused.lines)
    tell_missed(missed, explained={row.image for row in rows})
    if asked.as_json:
        print_json(
            {"command": "explain", "folder": str(asked.out), "explanations": records}
            | ({"missed": missed} if missed else {})
            | ({"refused": refused.lines} if refused.lines else {})
        )


def asked_for(asked: Explain) -> list[str]:
    """The targets, a mistake among them."""
    mistake = [] if asked.versus is None else [f"versus:{asked.versus}"]
    return [*asked.targets, *mistake]


def require_sense(asked: Explain) -> None:
    """Refuse what cannot be, before the model is opened."""
    from cam_core.maps.fuses import find_fuse
    from cam_core.methods import about_input
    from cam_core.smoothing import as_rows

    from ..inputs.chained import split
    from ..inputs.cropping import detector_first
    from ..inputs.given_files import find_files
    from ..output import check_directory

    for name in asked.methods:
        about_input(name)  # refuses a name that there is not
    if asked.fuse is not None:
        find_fuse(asked.fuse)
    as_rows(asked.smooths)
    check_directory(asked.out)
    models, images = split(asked.model, asked.images)
    detector_first(models, asked)
    find_files(images)


def named(asked: Explain) -> tuple[str | None, list[str], list[Path]]:
    """The detector whose boxes are cut out, the models that are explained, and the pictures."""
    from ..inputs.chained import split
    from ..inputs.cropping import detector_first

    models, images = split(asked.model, asked.images)
    return (*detector_first(models, asked), images)


def cropper_of(asked: Explain) -> Cropper | None:
    """The detector, open; None where the pictures are explained whole."""
    from ..inputs.cropping import open_cropper

    detector = named(asked)[0]
    return None if detector is None else open_cropper(detector, asked)


def set_up(asked: Explain, cropper: Cropper | None, *, colours: bool = True) -> Setup:
    """The model, and all that is to be explained.

    Args:
        colours: may --scale say how pictures are coloured?
    """
    from cam_core.sources import Sources

    from ..inputs.chained import open_models
    from ..inputs.opened import bring_together

    _, models, images = named(asked)
    backend = open_models(models, asked)
    sources, given = Sources.of(backend, models[0], flag), pieces(asked, colours=colours)
    return bring_together(backend, sources, asked, images, given, cutting=cropper)


def named_layer(backend: Backend, asked: Explain) -> str:
    """What file names say of --layer: its own name, of several those that were typed if fused."""
    if asked.layers[1:]:
        return "" if asked.fuse is None else "+".join(asked.layers)
    typed = asked.first_layer
    return "" if typed is None else str(getattr(backend, "default_layer", typed))


def plan(asked: Explain, setup: Setup, cropper: Cropper | None) -> Job:
    """What stays the same from sample to sample."""
    from cam_core.report import versions

    from ..inputs.pictured import aim
    from ..job import Job
    from ..methods_asked import methods_of
    from ..missed import tell
    from ..output import sha256

    _, models, _ = named(asked)
    digests = [sha256(model) for model in models]
    where = aim(setup.backend, asked.first_layer, setup.seen)
    methods, notes = methods_of(setup.backend, asked.methods, asked.first_layer)
    tell(notes)
    return Job(
        model=", ".join(models),
        model_sha256=", ".join(filter(None, digests)) or None,
        backend=setup.backend,
        source=setup.source,
        labels=setup.labels,
        methods=methods,
        layers=asked.layers if asked.layers[1:] else tuple(filter(None, [where.layer])),
        fuse=asked.fuse,
        named_layer=named_layer(setup.backend, asked),
        smooths=asked.smooths,
        folder=asked.out,
        signed=asked.signed,
        pictures=where.shown and not asked.no_pictures,
        versions=versions(),
        over=where.words,
        threshold=asked.threshold,
        prepare=setup.reader.other,
        cropping={} if cropper is None else cropper.record(),
        cropped="" if cropper is None else cropper.words,
    )
