"""The `cam.*` metadata of an instrumented model: what it explains, and how to take it all back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import onnx

from cam_core.errors import InputError
from cam_core.foreign import from_json
from cam_core.maps import stats as stats_of

from ..finding.analysis import Analysis
from ..reading import names
from ..reading.graph import Tensor
from ..reading.names import OWN
from ..writing.ir import before_raising
from .described import described
from .outputs import Added
from .targets import Targets


def record(
    result: onnx.ModelProto,
    analysis: Analysis,
    targets: Targets,
    inputs: Sequence[Tensor],
    outputs: Sequence[Added],
    *,
    method: str,
    fuse: str | None,
    places: tuple[str, str],
    stats: bool,
    labels: Sequence[str] | None,
    preprocess: Mapping[str, Any] | None,
    profile: Mapping[str, Any] | None,
    source_sha256: str,
) -> None:
    """Adds the metadata to `result`, in place; `inputs` and `outputs` are those that were added.

    `places`: the layers, or the input, whose cells the maps have, and how these are laid out.
    `stats`: is `cam_stats` among the outputs?

    Raises:
        InputError: the number of labels is not the number of classes.
    """
    source = analysis.model
    facts = {
        names.VERSION: _version(),
        names.LAYER: places[0],
        names.SCORE: analysis.score.name,
        names.METHOD: method,
        names.TARGET: targets.text,
        names.LAYOUT: places[1],
        names.SOURCE_SHA256: source_sha256,
    }
    if fuse is not None:
        facts[names.FUSE] = fuse
    if stats:
        facts[names.STATS] = json.dumps(stats_of.described())
    if labels is not None:
        facts[names.LABELS] = json.dumps(_fitting(labels, analysis), ensure_ascii=False)
    if preprocess is not None:
        facts[names.PREPROCESS] = json.dumps(dict(preprocess))
    facts[names.RECORD] = json.dumps(
        described(analysis, targets, inputs, outputs, method, fuse, preprocess)
        | {"profile": profile},
        ensure_ascii=False,
    )
    if source.ir_version != result.ir_version:
        facts[names.IR_RAISED] = json.dumps(before_raising(source))
    theirs = len(analysis.source.model.metadata_props)
    inlined = [e.key for e in result.metadata_props[theirs:]]
    facts |= _set_aside(result, theirs, {*facts, *inlined, names.ADDED})
    facts[names.ADDED] = json.dumps(
        {
            "metadata_props": len(inlined) + len(facts) + 1,
            "node": len(result.graph.node) - len(source.graph.node),
            "initializer": len(result.graph.initializer) - len(source.graph.initializer),
            "value_info": len(result.graph.value_info) - len(source.graph.value_info),
            "output": len(result.graph.output) - len(source.graph.output),
            "input": len(inputs),
        }
    )
    for key, value in facts.items():
        result.metadata_props.add(key=key, value=value)


def _set_aside(result: onnx.ModelProto, theirs: int, ours: set[str]) -> dict[str, str]:
    """Takes out, in place, those of the source's first entries whose keys are to be ours.

    A key that stood twice would be no valid ONNX. Returns the note that they are put back from.
    """
    entries = list(result.metadata_props)
    if ours.isdisjoint(e.key for e in entries[:theirs]):
        return {}
    taken = [(i, e) for i, e in enumerate(entries[:theirs]) if e.key in {*ours, OWN}]
    places = {i for i, _ in taken}
    del result.metadata_props[:]
    result.metadata_props.extend(e for i, e in enumerate(entries) if i not in places)
    return {OWN: json.dumps([[i, e.key, e.value] for i, e in taken])}


def restore_own(model: onnx.ModelProto, notes: Mapping[str, str]) -> None:
    """Puts back, in place, the entries of the source that `record` set aside."""
    entries = list(model.metadata_props)
    for place, key, value in from_json(notes.get(OWN, "[]")):
        entries.insert(place, onnx.StringStringEntryProto(key=key, value=value))
    del model.metadata_props[:]
    model.metadata_props.extend(entries)


def _fitting(labels: Sequence[str], analysis: Analysis) -> list[str]:
    classes = None if analysis.score.own_classes else analysis.score.classes
    if classes is not None and len(labels) != classes:
        raise InputError(f"{len(labels)} labels for {classes} classes: give one name a class")
    return list(labels)


def _version() -> str:
    try:
        return version("cam-core")
    except PackageNotFoundError:  # an uninstalled tree
        return "0+unknown"
