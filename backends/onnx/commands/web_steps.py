"""The steps of `gradcam web`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cam_core.cli.report import heads_said
from cam_core.cli.typed import Typed, extents, flag, pieces
from cam_core.errors import InputError, ModelError
from cam_core.head import Head
from cam_core.image.preprocess import find_channel_axis, find_size
from cam_core.image.read import require_file
from cam_core.methods import find_method, usual_method
from cam_core.sources import Sources
from cam_core.web import SiteModel
from cam_core.web.site import MOST

from ..capturing.backend import OnnxBackend
from ..capturing.sized import analyse_at
from ..instrumenting.instrument import instrument
from ..instrumenting.strip import strip
from ..reading.load import Source, load
from ..reading.names import FUSE, LABELS, LAYER, METHOD, PREPROCESS, RECORD, VERSION
from ..reading.stored import external_entry, external_tensors
from .arguments import Instrument, Web
from .instrument_steps import Kept, find_kept

if TYPE_CHECKING:
    import onnx

WANTED = ("map", "signed", "noise_floor", "logits")
"""What the page reads of every model."""
OF_CLASSES = ("score", "class_used")
OF_LAYER = ("activations", "alpha", "gradients")
"""For the diagnosis, of a method that weighs the channels of one layer."""
CLASSES = ("classes", "multi-label", "binary", "regression", "unknown")
"""Kinds that are asked for a class; of boxes and regions the page makes the cotangent."""


HOSTS = (
    "any that serves files by https; threads where it reads _headers (Netlify, Cloudflare Pages), "
    "elsewhere by the service worker"
)


@dataclass(frozen=True)
class Made:
    """A model of the page."""

    model: SiteModel
    heads: Sequence[Head]
    record: Mapping[str, Any]
    """What the file says of itself."""

    @property
    def lines(self) -> list[tuple[str, str]]:
        """For people: the layer, and how it is fed."""
        notes, picture = self.model.notes, self.record["inputs"][0]["picture"]
        note = f" ({notes['layer_note']})" if notes["layer_note"] else ""
        return [
            ("model", f"{self.model.name} ({len(self.model.content) / 2**20:.1f} MiB)"),
            *heads_said(self.heads[:1]),
            ("layer", f"{self.record['layer']}{note}"),
            ("input", f"{picture['description']} ({notes['preprocess_source']})"),
            ("labels", notes["labels_source"]),
        ]


def made(asked: Web, path: Path) -> Made:
    """The model, instrumented for the page.

    Raises:
        CamError: it cannot be, or takes no single photo.
    """
    source, own = _opened(path)
    typed = _instrumenting(asked, path, own)
    analysis = analyse_at(source, typed.layers or [None], typed.score, **extents(typed))
    backend = OnnxBackend(analysis)
    kept = find_kept(typed, backend)
    said = _photo(asked, path, backend)
    result = make(typed, backend, kept)
    embed(result, source)
    facts = {entry.key: entry.value for entry in result.metadata_props}
    notes = {
        "preprocess_source": _public(said, asked, path),
        "labels_source": _public(kept.named, asked, path),
        "layer_note": "" if typed.layers else backend.layer_note,
    }
    record = json.loads(facts[RECORD]) | {"layer": facts[LAYER].replace(";", ", ")}
    return Made(SiteModel(path.name, result.SerializeToString(), notes), backend.heads(), record)


def _opened(path: Path) -> tuple[Source, Mapping[str, str]]:
    """The model without what was added to it, and what that says of itself; {} of a plain one."""
    source = load(path)
    found = {entry.key: entry.value for entry in source.model.metadata_props}
    if VERSION not in found:
        return source, {}
    plain = strip(source)
    kept = {entry.key: entry.value for entry in plain.metadata_props}
    kept |= {key: found[key] for key in (LABELS, PREPROCESS) if key in found}
    del plain.metadata_props[:]
    for key, value in kept.items():
        plain.metadata_props.add(key=key, value=value)
    return replace(source, model=plain), found


def _instrumenting(asked: Web, path: Path, own: Mapping[str, str]) -> Instrument:
    """What `gradcam instrument` would be told: of a file that it wrote, the same again."""
    typed: dict[str, Any] = {f.name: getattr(asked, f.name) for f in fields(Typed)}
    typed["verify"] = False
    if own and not asked.layers:
        typed |= {"layers": tuple(own[LAYER].split(";")), "fuse": own.get(FUSE)}
    if own and not asked.method:
        typed["method"] = own[METHOD]
    more = {"outputs": "map", "guided": False, "weights": "copy", "profile": "web"}
    return Instrument(**typed | more, model=path, gate=False, stats=False)


def make(typed: Instrument, backend: OnnxBackend, kept: Kept) -> onnx.ModelProto:
    """The instrumented model with all that the page reads of it, of what it can give.

    Raises:
        ModelError: the page does not show such models.
    """
    head = backend.heads()[0]
    classes = head.kind in CLASSES and head.boxes is None
    if not (classes or head.boxes is not None or head.kind == "dense classes"):
        raise ModelError(
            f"{typed.model.name} gives {head.kind}, and a page shows classifiers, detectors and "
            "segmenters; gradcam explain shows the rest"
        )
    name = typed.method or usual_method(head)
    method = find_method(name)
    several = len(backend.analysis.choices) > 1
    layer = OF_LAYER if method.captured and method.layered and not several else ()
    return instrument(
        backend.analysis,
        layer=list(typed.layers) or None,
        method=name,
        fuse=typed.fuse,
        target="input" if classes else "cotangent",
        outputs=[*WANTED, *OF_CLASSES * classes, *layer],
        labels=None if kept.labels is None else kept.labels.names,
        preprocess=kept.preprocess,
        static=extents(typed)["static"],
        profile="web",
    )


def _photo(asked: Web, path: Path, backend: OnnxBackend) -> str:
    """In words who says how its picture is made of a photo; a guess is said to be one.

    Raises:
        InputError: it takes no photo, or more than one input.
    """
    infos = backend.inputs()
    if len(infos) != 1 or not infos[0].pictured:
        taken = "; ".join(f"{i.name} {list(i.shape)}" for i in infos)
        raise InputError(f"{path.name} takes {taken}, and a page feeds one picture")
    spec, said = Sources.of(backend, path, flag).preprocess(
        infos[0], asked.preprocess, **pieces(asked)
    )
    find_size(spec, infos[0], find_channel_axis(infos[0]))  # also refuses what is no photo
    return said


def _public(text: str, asked: Web, path: Path) -> str:
    """Files by their names alone: the page is for all, and folders are nobody's business."""
    named = [path.resolve().parent, *([asked.labels_file] if asked.labels_file else [])]
    for place in named:
        text = text.replace(str(place), place.name if place.suffix else "")
    return text.replace("'/", "'")


def embed(model: onnx.ModelProto, source: Source) -> None:
    """Bring weights of other files into the model, in place: a page is given one file.

    Raises:
        InputError: it would be too large for a browser.
    """
    others = external_tensors(model)
    if not others or source.folder is None:
        return
    names = {external_entry(tensor)["location"] for tensor in others}
    size = sum((source.folder / name).stat().st_size for name in names)
    if size >= MOST:
        raise InputError(f"{source.name} has {size / 1e9:.1f} GB, and a browser takes up to 2")
    from onnx.external_data_helper import load_external_data_for_model

    load_external_data_for_model(model, str(source.folder))


def read_samples(paths: Sequence[Path]) -> Mapping[str, bytes] | None:
    """The photos to start with; None: the scenes of the demo."""
    for path in paths:
        require_file(path)
        if sum(path.name == other.name for other in paths) > 1:
            raise InputError(f"two samples are called '{path.name}': rename one")
    return {path.name: path.read_bytes() for path in paths} or None


def record(asked: Web, made: Sequence[Made], files: Sequence[Path]) -> dict[str, Any]:
    """Ready for JSON."""
    return {
        "command": "web",
        "models": [{"name": one.model.name, **one.model.notes, **one.record} for one in made],
        "folder": str(asked.out),
        "files": [str(path) for path in files],
        "bytes": sum(path.stat().st_size for path in files),
    }


def tell(asked: Web, made: Sequence[Made], files: Sequence[Path]) -> None:
    """The same for people."""
    size = sum(path.stat().st_size for path in files)
    lines = [line for one in made for line in one.lines]
    if not made:
        lines.append(("model", "none: the page takes any file that gradcam instrument wrote"))
    lines.append(("wrote", f"{asked.out}: {len(files)} files, {size / 2**20:.1f} MiB"))
    lines.append(("hosts", HOSTS))
    for name, text in lines:
        click.echo(f"{name:<8}{text}")
