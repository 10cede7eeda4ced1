"""`gradcam record`: a model's scores and maps in a folder, one .npz a photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cam_core.plural import counted

from ..option_types import FILE
from ..options import ANYWHERE, PIXELS, options
from ..typed import Typed, flag, opening, pieces

if TYPE_CHECKING:
    from cam_core.explanation import Explanation
    from cam_core.recording import Recorded
    from cam_core.region import Region

    from ..inputs.opened import Setup
    from ..inputs.samples import Sample

LAYER, METHOD, LABELS, PREPROCESS = "cam.layer", "cam.method", "cam.labels", "cam.preprocess"
SOURCE = "cam.source_sha256"
"""What an instrumented file says of itself."""


@dataclass(frozen=True, kw_only=True)
class Asked(Typed):
    """What was typed after `record`."""

    model: str
    images: tuple[Path, ...]
    out: Path


@click.command(short_help="Write a model's scores and maps, one .npz a photo.")
@click.argument("model")
@click.argument("images", nargs=-1, type=FILE, required=True)
@options(
    Asked,
    *("target", "layer", "score", "method", *PIXELS, "static", "labels", "label-offset"),
    *(*ANYWHERE, "json", "output"),
    target={"help": "What the maps are about, once. Default: the top class."},
    method={
        "default": None,
        "show_default": False,
        "help": "See 'gradcam methods'; with options as legrad:blocks=1. Default: that of an "
        "instrumented file, else gradcam.",
    },
    output={"required": True, "metavar": "FOLDER", "help": "The folder; made if absent."},
)
def record(asked: Asked) -> None:
    """Write what the MODEL gives for each of IMAGES: a recording, which stands for the model.

    Per photo IMAGE.npz: the hash of the model's input, the scores, the map before and after its
    ReLU, and the class that it is about. A device can write the same files, see docs/recordings.md.
    MODEL is a file, or 'package.module:factory', a function that gives a pair of a torch module and
    an example of its input. The layer and the method are those of an instrumented file where MODEL
    is one.

    \b
    gradcam record model.cam.onnx photos -o recording
    """
    from cam_core.recording import write_folder

    from ..inputs.given_files import find_files
    from ..output import check_directory, check_stems, print_json
    from ..report import progress

    check_directory(asked.out)
    setup = set_up(asked, find_files(asked.images))
    check_stems(setup.slots)
    found: dict[str, Recorded] = {}
    regions: list[Region | None] = []
    with progress(len(setup.slots), "recording") as step:
        for index, slot in enumerate(setup.slots):
            found[slot.stem], of = recorded(asked, setup, setup.reader.open(slot, index))
            regions.append(of.region)
            step()
    layer = of.layer
    said = facts(asked, setup, layer) | region_said(regions)
    written = write_folder(asked.out, found, said)
    if asked.as_json:
        print_json(said | {"pictures": {n: one.input_sha256 for n, one in found.items()}})
    else:
        pictures = counted(len(written) - 1, "picture")
        click.echo(f"{pictures} at {layer}, {method(asked, setup)}: {asked.out}")
        click.echo(f"input    {setup.fed}")


def set_up(asked: Asked, images: list[Path]) -> Setup:
    """The model, and the photos."""
    from cam_core.compare.opening import open_side
    from cam_core.sources import Sources

    from ..inputs.opened import bring_together

    backend = open_side(asked.model, **opening(asked))
    sources = Sources.of(backend, asked.model, flag)
    return bring_together(backend, sources, asked, images, pieces(asked))


def region_said(regions: Sequence[Region | None]) -> dict[str, Any]:
    """What of the input the maps cover, where that is the same for all photos."""
    first = regions[0]
    return {"region": asdict(first)} if first is not None and set(regions) == {first} else {}


def recorded(asked: Asked, setup: Setup, sample: Sample) -> tuple[Recorded, Explanation]:
    """One photo's recording, and the map that it is of."""
    from cam_core.errors import TargetError
    from cam_core.explain import explain
    from cam_core.recording import Recorded, sha256_of

    backend = setup.backend
    layer = asked.layer or backend.metadata.get(LAYER)
    targets = setup.targets(asked.targets, several=False)
    if len(targets) != 1:
        raise TargetError(f"{len(targets)} targets: a recording has one map a photo.")
    one = explain(backend, sample.x, targets[0], method(asked, setup), layer=layer)[0]
    score = backend.look(sample.x, layers=()).score
    used = None if one.classes is None else int(one.classes[0])
    known = sha256_of(sample.x)
    return Recorded(known, score[:1], one.map, one.signed, used), one


def method(asked: Asked, setup: Setup) -> str:
    """As typed, else as the file that was instrumented says."""
    return asked.method or setup.backend.metadata.get(METHOD, "gradcam")


def facts(asked: Asked, setup: Setup, layer: str) -> dict[str, Any]:
    """What is the same for all photos."""
    from cam_core.audit.hashes import source_of
    from cam_core.head import head_of

    backend, head, spec = setup.backend, head_of(setup.backend), setup.reader.spec
    told: dict[str, Any] = {LAYER: layer, METHOD: method(asked, setup)}
    if (source := source_of(backend)) is not None:
        told[SOURCE] = source
    if setup.names is not None:
        told[LABELS] = list(setup.names)
    if spec is not None:
        told[PREPROCESS] = asdict(spec)
    return {
        "command": "record",
        "model": asked.model,
        "input": setup.source,
        "inputs": [
            {
                "name": i.name,
                "shape": list(i.shape),
                "type": i.dtype.name,
                "channels": i.channel_axis,
            }
            for i in backend.inputs()
        ],
        "head": {} if head is None else {"kind": head.kind, "activation": head.activation},
        "settings": dict(backend.settings),
        "metadata": told,
    }
