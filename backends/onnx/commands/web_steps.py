"""The steps of `gradcam web`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from math import prod
from pathlib import Path
from typing import Any

import click
import onnx
from onnx.external_data_helper import load_external_data_for_model

from cam_core.backend import InputInfo
from cam_core.cli.report import heads_said
from cam_core.cli.typed import Typed, extents, flag, pieces
from cam_core.errors import InputError, ModelError
from cam_core.head import Head
from cam_core.image import Preprocess
from cam_core.image.read import require_file
from cam_core.methods import find_method, usual_method
from cam_core.region import Region
from cam_core.sources import Sources
from cam_core.web import SiteModel, facts_of
from cam_core.web.site import MOST

from ..capturing.backend import OnnxBackend
from ..capturing.sized import analyse_at
from ..instrumenting.instrument import instrument
from ..instrumenting.strip import strip
from ..reading.load import Source, load
from ..reading.names import FUSE, LABELS, LAYER, METHOD, OUTPUTS, PREPROCESS, VERSION
from ..reading.stored import external_entry, external_tensors
from .arguments import Instrument, Web
from .instrument_steps import Kept, find_kept

WANTED = ("map", "signed", "noise_floor", "logits")
"""What the page reads of every model, of what files can give."""
OF_CLASSES = ("score", "class_used")
OF_LAYER = ("activations", "alpha", "gradients")
"""For the diagnosis, of a method that weighs the channels of one layer."""
CLASSES = ("classes", "multi-label", "binary", "regression", "unknown")
"""Kinds that are asked for a class; of boxes and regions the page makes the cotangent."""


@dataclass(frozen=True)
class Made:
    """A model of the page."""

    model: SiteModel
    heads: Sequence[Head]
    facts: Mapping[str, Any]


def made(asked: Web, path: Path) -> Made:
    """The model, instrumented for the page, with what is known of it."""
    source, own = _opened(path)
    typed = _instrumenting(asked, path, own)
    analysis = analyse_at(source, typed.layers or [None], typed.score, **extents(typed))
    backend = OnnxBackend(analysis)
    kept = find_kept(typed, backend)
    info, spec, said = _photo(asked, path, backend)
    result = make(typed, backend, kept)
    embed(result, source)
    facts = facts_of(
        info,
        spec,
        backend.heads(),
        {entry.key: entry.value for entry in result.metadata_props},
        spec_source=said,
        labels=None if kept.labels is None else kept.labels.names,
        labels_source=kept.named,
        layer_note="" if typed.layers else backend.layer_note,
        region=_region(backend),
    )
    return Made(SiteModel(path.name, result.SerializeToString(), facts), backend.heads(), facts)


def _opened(path: Path) -> tuple[Source, Mapping[str, str]]:
    """The model without what was added to it, and what that says of itself; {} of a plain one."""
    source = load(path)
    found = {entry.key: entry.value for entry in source.model.metadata_props}
    if VERSION not in found:
        return source, {}
    plain = strip(source)
    there = {entry.key for entry in plain.metadata_props}
    for key in (LABELS, PREPROCESS):
        if key in found and key not in there:
            plain.metadata_props.add(key=key, value=found[key])
    return replace(source, model=plain), found


def _instrumenting(asked: Web, path: Path, own: Mapping[str, str]) -> Instrument:
    """What `gradcam instrument` would be told: of a file that it wrote, the same again."""
    typed: dict[str, Any] = {f.name: getattr(asked, f.name) for f in fields(Typed)}
    if own and not asked.layers:
        typed |= {"layers": tuple(own[LAYER].split(";")), "fuse": own.get(FUSE)}
    if own and not asked.method:
        typed["method"] = own[METHOD]
    more = {"outputs": "map", "guided": False, "weights": "copy", "verify": False}
    return Instrument(**typed | more, model=path, gate=False)


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
        outputs=[one for one in (*WANTED, *OF_CLASSES * classes, *layer) if one in OUTPUTS],
        labels=None if kept.labels is None else kept.labels.names,
        preprocess=kept.preprocess,
        static=extents(typed)["static"],
    )


def _photo(asked: Web, path: Path, backend: OnnxBackend) -> tuple[InputInfo, Preprocess, str]:
    """The picture that it takes, and how it is made; a guess is said to be one.

    Raises:
        InputError: it takes no photo, or more than one input.
    """
    infos = backend.inputs()
    if len(infos) != 1 or not infos[0].pictured:
        taken = "; ".join(f"{i.name} {list(i.shape)}" for i in infos)
        raise InputError(f"{path.name} takes {taken}, and a page feeds one picture")
    sources = Sources.of(backend, path, flag)
    spec, said = sources.preprocess(infos[0], asked.preprocess, **pieces(asked))
    return infos[0], spec, said


def _region(backend: OnnxBackend) -> Region | None:
    """What the map covers of the picture: that of the finest layer."""
    choices = backend.analysis.choices
    finest = max(choices, key=lambda one: _cells(one.tensor.shape))
    return finest.region


def _cells(shape: Sequence[Any] | None) -> int:
    return prod(extent for extent in shape or () if isinstance(extent, int))


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
    load_external_data_for_model(model, str(source.folder))


def read_samples(paths: Sequence[Path]) -> Mapping[str, bytes] | None:
    """The photos to start with; None: the scenes of the demo."""
    for path in paths:
        require_file(path)
    return {path.name: path.read_bytes() for path in paths} or None


def record(asked: Web, made: Sequence[Made], files: Sequence[Path]) -> dict[str, Any]:
    """Ready for JSON."""
    return {
        "command": "web",
        "models": [{"name": one.model.name, **one.facts, "labels": None} for one in made],
        "folder": str(asked.out),
        "files": [str(path) for path in files],
        "bytes": sum(path.stat().st_size for path in files),
    }


def tell(asked: Web, made: Sequence[Made], files: Sequence[Path]) -> None:
    """The same for people."""
    for one in made:
        facts = one.facts
        click.echo(f"model   {one.model.name} ({len(one.model.content) / 2**20:.1f} MiB)")
        for name, text in heads_said(one.heads[:1]):
            click.echo(f"{name:<8}{text}")
        note = facts["layer_note"]
        click.echo(f"layer   {facts['layer']}" + (f" ({note})" if note else ""))
        spec = Preprocess(**{k: _tuple(v) for k, v in facts["preprocess"].items()})
        height, width = facts["size"]
        channels = 1 if _channels(facts) == 1 else 3
        how = spec.describe((height, width), channels)
        click.echo(f"input   {how} ({facts['preprocess_source']})")
        click.echo(f"labels  {facts['labels_source']}")
    if not made:
        click.echo("model   none: the page takes any file that gradcam instrument wrote")
    size = sum(path.stat().st_size for path in files)
    click.echo(f"wrote   {asked.out}: {len(files)} files, {size / 2**20:.1f} MiB")
    click.echo(
        "hosts   any that serves files by https; threads where it reads _headers (Netlify, "
        "Cloudflare Pages), elsewhere by the service worker"
    )


def _channels(facts: Mapping[str, Any]) -> Any:
    return facts["input"]["shape"][facts["input"]["channel_axis"]]


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
