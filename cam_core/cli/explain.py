"""`gradcam explain`: a model and photos in, pictures, raw maps and records out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cam_core.errors import InputError

from .options import build_preprocess, preprocess_flags


@click.command(short_help="Show where in a picture a model sees a class.")
@click.argument("model")
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
@click.option(
    "--target",
    "targets",
    multiple=True,
    help="What to explain; may be repeated: a class (243), a label (tiger cat), top:3, prob:243, "
    "or one class against another (243-282). Default: the top class.",
)
@click.option("--layer", help="Where to look: a tensor, a node, a module path or an index.")
@click.option("--score", help="The tensor with the scores, where the one found is not meant.")
@click.option("--method", default="gradcam", show_default=True, help="See 'gradcam methods'.")
@preprocess_flags
@click.option(
    "--labels",
    "labels_file",
    type=click.Path(path_type=Path, readable=False),
    help="Class names, one a line.",
)
@click.option("--label-offset", default=0, help="The class of the first line of --labels.")
@click.option(
    "--provider", "providers", multiple=True, help="cpu, cuda or an execution provider's name."
)
@click.option(
    "-o",
    "--output",
    "folder",
    default=".",
    type=click.Path(path_type=Path, readable=False),
    help="Folder for what is written; made if absent. Default: the current one.",
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
    labels_file: Path | None,
    label_offset: int,
    providers: tuple[str, ...],
    folder: Path,
    signed: bool,
    **pieces: Any,
) -> None:
    """Show where in each of IMAGES the MODEL sees a class.

    Per image and target it writes a picture IMAGE.CLASS.METHOD.png in the photo's own coordinates,
    the raw map as .npy and all the facts as .json.

    \b
    gradcam explain model.onnx both.png --preprocess imagenet \\
        --labels imagenet_classes.txt --target "tiger cat" --target 243 -o out
    """
    from cam_core.discover import open_backend
    from cam_core.explain import expand, find_method
    from cam_core.image import read

    from .job import Job, Row, image_input
    from .labels import read_labels
    from .output import check_directory, check_images, sha256
    from .report import show, track

    find_method(method)
    check_images(images)
    check_directory(folder)
    labels = None if labels_file is None else read_labels(labels_file, label_offset)
    if labels is None and label_offset:
        raise InputError("--label-offset shifts the names of a file: give it with --labels.")
    for path in images:
        read(path)  # a broken one is told before the work, not halfway
    options: dict[str, Any] = {
        "layer": layer,
        "score": score,
        "providers": list(providers),
    }
    backend = open_backend(model, **{name: given for name, given in options.items() if given})
    names = None if labels is None else labels.names
    asked = expand(targets or [None], names, class_axis=getattr(backend, "class_axis", 1))
    spec, source = build_preprocess(image_input(backend), preprocess, **pieces)
    job = Job(
        model=model,
        model_sha256=sha256(model),
        backend=backend,
        spec=spec,
        source=source,
        labels=labels,
        method=method,
        layer=layer,
        folder=folder,
        signed=signed,
    )
    rows: list[Row] = []
    try:
        for path in track(images):
            rows += job.run(path, asked)
    finally:
        show(rows, job)
