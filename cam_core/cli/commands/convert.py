"""`gradcam convert`: a model of another framework as .onnx, compared with its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..option_types import FILE
from ..options import PIXELS, options
from ..typed import Typed, flag, pieces

if TYPE_CHECKING:
    from ..inputs.opened import Setup

KERAS, TFLITE, ONNX = (".keras", ".h5", ".hdf5"), ".tflite", ".onnx"
SAVED_MODEL = "saved_model.pb"
"""What the folder of a SavedModel holds."""


@dataclass(frozen=True, kw_only=True)
class Asked(Typed):
    """What was typed after `convert`."""

    sources: tuple[str, ...]
    check: bool
    exporter: str
    opset: int | None
    calibration: tuple[Path, ...]
    leave: tuple[str, ...]
    force: bool


@click.command(short_help="Write a model as .onnx, and check that it computes the same.")
@click.argument("sources", nargs=-1, required=True)
@options(
    Asked,
    *("static", *PIXELS, "labels", "label-offset", "verify", "json", "output"),
    output={"metavar": "OUT", "help": "The file to write."},
    static={"help": "The shape of a torch module's input; repeatable."},
    labels={"help": "Class names, one a line; kept in the file."},
    verify={"help": "Run source and file, and compare."},
)
@click.option(
    "--check", is_flag=True, help="Write nothing: compare the two files that are named, A B."
)
@click.option(
    "--exporter",
    type=click.Choice(["dynamo", "torchscript"]),
    default="dynamo",
    show_default=True,
    help="Of a torch module.",
)
@click.option("--opset", type=click.IntRange(7), help="Default: 17, of torch's dynamo 18.")
@click.option(
    "--int8",
    "calibration",
    type=FILE,
    multiple=True,
    metavar="IMAGES",
    help="Quantise an .onnx file, calibrated on these photos: files or folders; repeatable.",
)
@click.option(
    "--leave",
    multiple=True,
    metavar="OPERATOR",
    help="Of --int8: an operator that stays in float, by its name, such as those that 'gradcam "
    "blame' lists; repeatable.",
)
@click.option("--force", is_flag=True, help="Write the file also where its outputs differ.")
def convert(asked: Asked) -> int:
    """Write SOURCE as an .onnx file, run both, and compare them.

    SOURCE is a .keras or .h5 file, the folder of a SavedModel, a .tflite file, or
    package.module:factory, which returns a torch module or a Keras model, or (model, example); of a
    function in JAX it returns (function, example). An .onnx file is quantised by --int8. A file
    that computes something else is not written: said are the largest difference and, from either
    side, the first tensor that has no equal. Exit code of --check: 1 where A and B differ.

    \b
    gradcam convert net.keras -o net.onnx --preprocess tf --labels labels.txt
    gradcam convert mine.models:resnet --static 1,3,224,224 -o net.onnx
    gradcam convert net.onnx --int8 photos -o net.int8.onnx
    gradcam convert --check net.tflite net.onnx
    """
    from cam_core.discover import find_converter

    if asked.check:
        if len(asked.sources) != 2:
            raise click.UsageError("--check compares two files: gradcam convert --check A B")
        if asked.out is not None:
            raise click.UsageError("--check writes nothing: leave -o out")
        for source in asked.sources:
            required(Path(source))
        found = find_converter("check")(*asked.sources)
        tell(asked, {"command": "convert", "check": list(asked.sources)}, found)
        return 0 if found.same else 1
    if asked.leave and not asked.calibration:
        raise click.UsageError("--leave is of --int8 IMAGES: nothing is quantised without")
    if len(asked.sources) != 1 or asked.out is None:
        raise click.UsageError("one SOURCE, and -o OUT")
    found = converted(asked, asked.sources[0], asked.out)
    tell(asked, {"command": "convert", "source": asked.sources[0], "wrote": str(asked.out)}, found)
    return 0


def converted(asked: Asked, source: str, out: Path) -> Any:
    """Writes the file; what came out of the comparison, None where there was none."""
    from cam_core.discover import find_converter
    from cam_core.errors import InputError
    from cam_core.recording import require_model

    require_model(source)
    file, said = Path(source), kept(asked)
    known: dict[str, Any] = {"metadata": said, "force": asked.force}
    if asked.calibration:
        if file.suffix.lower() != ONNX:
            raise InputError(f"--int8 quantises an .onnx file: convert '{source}' to one first.")
        return quantised(asked, source, out, known)
    known |= {"opset": asked.opset, "verify": asked.verify}
    if file.is_dir() or file.suffix.lower() in KERAS:
        return find_converter("keras")(required(file), out, **known)[1]
    if file.suffix.lower() == TFLITE:
        return find_converter("tflite")(required(file), out, **known)[1]
    if file.suffix.lower() == ONNX:
        raise InputError(f"'{source}' is .onnx already: --int8 IMAGES quantises it.")
    return live(asked, source, out, known)


def required(file: Path) -> Path:
    """The same, which is there; a folder is one of TensorFlow's."""
    from cam_core.errors import ModelError

    if not file.exists():
        raise ModelError(f"no such file: '{file}'; check the path")
    if file.is_dir() and not (file / SAVED_MODEL).exists():
        raise ModelError(f"'{file}' is a folder without {SAVED_MODEL}: name the model's file in it")
    return file


def live(asked: Asked, source: str, out: Path, known: dict[str, Any]) -> Any:
    """What a factory returns."""
    from cam_core.discover import find_converter
    from cam_core.errors import InputError
    from cam_core.factory import is_factory, made, packages_of

    if not is_factory(source):
        raise InputError(
            f"'{source}' is no .keras, .tflite or .onnx file, no folder and no "
            "package.module:factory"
        )
    model, example = made(source)
    roots = packages_of(model)
    if "keras" in roots:
        return find_converter("keras")(model, out, example=example, **known)[1]
    if example is None and asked.shapes:
        example = noise(asked)
    if example is None:
        raise InputError(f"'{source}': give --static 1,3,224,224, or return (model, example).")
    if "torch" in roots:
        return find_converter("torch")(model, example, out, exporter=asked.exporter, **known)[1]
    return find_converter("jax")(model, out, example=example, **known)[1]


def noise(asked: Asked) -> Any:
    """Of the shapes that were typed."""
    import numpy as np

    rng = np.random.default_rng(0)
    arrays = {name: rng.random(shape, np.float32) for name, shape in asked.shapes}
    return arrays.get("", arrays)


def quantised(asked: Asked, source: str, out: Path, known: dict[str, Any]) -> Any:
    """An .onnx file in int8: each photo is read, then calibrated on."""
    from cam_core.discover import find_converter

    from ..report import progress

    setup, name = calibrating(asked, source)
    with progress(2 * len(setup.slots), "quantising") as step:
        feeds = []
        for i, slot in enumerate(setup.slots):
            x = setup.reader.open(slot, i).x
            feeds.append(dict(x) if isinstance(x, Mapping) else {name: x})
            step()
        known |= {"leave": asked.leave, "step": step}
        return find_converter("quantise")(source, out, feeds, **known)[1]


def calibrating(asked: Asked, source: str) -> tuple[Setup, str]:
    """The calibration photos as the model takes them, by its record or as typed, and the name of
    its input.
    """
    from cam_core.discover import open_backend
    from cam_core.sources import Sources

    from ..inputs.given_files import find_files
    from ..inputs.opened import bring_together

    backend = open_backend(source)
    sources = Sources.of(backend, source, flag)
    files = find_files(asked.calibration)
    setup = bring_together(backend, sources, asked, files, pieces(asked))
    (name, *_) = [info.name for info in backend.inputs()]
    return setup, name


def kept(asked: Asked) -> dict[str, Any]:
    """What the file is told: preprocessing and labels, where they were typed."""
    from dataclasses import replace

    from cam_core.image import PRESETS, Preprocess
    from cam_core.sources import read_labels

    said: dict[str, Any] = {}
    given = pieces(asked)
    if asked.preprocess is not None:
        said["cam.preprocess"] = asdict(replace(PRESETS[asked.preprocess], **given))
    elif given:
        said["cam.preprocess"] = asdict(Preprocess(**given))
    if asked.labels_file is not None:
        names = read_labels(asked.labels_file, asked.label_offset, flag).names
        said["cam.labels"] = list(names)
    return said


def tell(asked: Asked, said: dict[str, Any], found: Any) -> None:
    """The record, or the same for people."""
    from ..output import print_json

    if asked.as_json:
        parity = None if found is None else {**asdict(found), "same": found.same}
        print_json(said | {"parity": parity})
        return
    if found is not None:
        click.echo(found.words)
    if "wrote" in said:
        click.echo(f"wrote {said['wrote']}")
