"""Several model files on one command line: an encoder, its decoder, then the photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cam_core.backend import Backend
from cam_core.errors import InputError
from cam_core.head import head_of

from ..typed import Typed, opening

MODEL = ".onnx"


def split(model: str, files: Sequence[Path]) -> tuple[list[str], list[Path]]:
    """The models, in the order in which they run, and what is to be explained.

    Raises:
        InputError: a model after a photo, or one photo before the model.
    """
    count = next((i for i, file in enumerate(files) if file.suffix != MODEL), len(files))
    rest = list(files[count:])
    late = next((file for file in rest if file.suffix == MODEL), None)
    if late is not None or (count and not model.endswith(MODEL)):
        raise InputError("the model comes first: gradcam explain model.onnx photo.jpg")
    return [model, *map(str, files[:count])], rest


def open_models(models: Sequence[str], asked: Typed) -> Backend:
    """One model, or the chain of several."""
    from cam_core.discover import open_backend

    if len(models) == 1:
        if asked.connect:
            raise InputError(
                f"--connect '{asked.connect[0]}': it joins two models, and there is one: "
                "gradcam explain encoder.onnx decoder.onnx photo.jpg --connect NAME"
            )
        return open_backend(models[0], **opening(asked))
    from cam_core.chain import Chain

    given = opening(asked)
    layer, score = given.pop("layer", None), given.pop("score", None)
    extents: dict[str, Any] = {n: given.pop(n) for n in ("static", "size") if n in given}
    opened = [_opened(model, extents, given) for model in models[:-1]]
    opened.append(_opened(models[-1], extents, given | ({"score": score} if score else {})))
    try:
        return Chain(opened, pairs(asked.connect), layer=layer)
    except InputError as error:
        if asked.connect or not _finds_boxes(opened[0]):
            raise
        cure = "to explain the second model on a box that the first one finds, add --crop box:0"
        raise InputError(f"{error}; {cure}") from error


def _finds_boxes(backend: Backend) -> bool:
    head = head_of(backend)
    return head is not None and head.boxes is not None


def pairs(connect: Sequence[str]) -> dict[str, str] | None:
    """Output -> input of OUTPUT=INPUT, or of a name that both have; None: of all equal names.

    Raises:
        InputError: an output without a name, or twice.
    """
    found: dict[str, str] = {}
    for text in connect:
        output, equals, name = text.partition("=")
        if not output or (equals and not name):
            raise InputError(f"--connect '{text}': write OUTPUT=INPUT, or a name that both have.")
        if output in found:
            raise InputError(f"--connect '{output}' is given twice.")
        found[output] = name if equals else output
    if any("=" not in text and ":" in text for text in connect):
        raise InputError("--connect with the name of a model says both ends: a:OUTPUT=b:INPUT.")
    return found or None


def _opened(model: str, extents: Mapping[str, Any], given: Mapping[str, Any]) -> Backend:
    """With those of the extents that are its own: shapes by input, a size where it takes photos."""
    from cam_core.discover import open_backend

    plain = open_backend(model, **given)
    infos = plain.inputs()
    pictured = any(i.channel_axis is not None and i.pictured for i in infos)
    own: dict[str, Any] = {}
    static = extents.get("static")
    if isinstance(static, Mapping):
        own = {"static": {i.name: static[i.name] for i in infos if i.name in static}}
    elif static is not None and pictured:
        own = {"static": static}
    if pictured and "size" in extents:
        own["size"] = extents["size"]
    own = {name: value for name, value in own.items() if value}
    return open_backend(model, **given, **own) if own else plain
