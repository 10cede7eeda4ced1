"""The `cam.*` metadata of an instrumented model: what it explains, and how to take it all back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import onnx

from cam_core.errors import InputError

from ..finding.analysis import Analysis
from ..reading.graph import Tensor
from ..writing.append import before_raising
from .targets import Seeds


def record(
    result: onnx.ModelProto,
    analysis: Analysis,
    seeds: Seeds,
    inputs: Sequence[Tensor],
    *,
    method: str,
    labels: Sequence[str] | None,
    preprocess: Mapping[str, Any] | None,
    source_sha256: str,
) -> None:
    """Adds the metadata to `result`, in place; `inputs` are those that were added.

    Raises:
        InputError: the number of labels is not the number of classes.
    """
    source = analysis.model
    facts = {
        "cam.version": _version(),
        "cam.layer": ";".join(choice.name for choice in analysis.choices),
        "cam.score": analysis.score.name,
        "cam.method": method,
        "cam.target": seeds.text,
        "cam.layout": ";".join(choice.layout.text() for choice in analysis.choices),
        "cam.source_sha256": source_sha256,
    }
    if labels is not None:
        facts["cam.labels"] = json.dumps(_fitting(labels, analysis), ensure_ascii=False)
    if preprocess is not None:
        facts["cam.preprocess"] = json.dumps(dict(preprocess))
    if source.ir_version != result.ir_version:
        facts["cam.ir_raised"] = json.dumps(before_raising(source))
    inlined = len(result.metadata_props) - len(analysis.source.model.metadata_props)
    facts["cam.added"] = json.dumps(
        {
            "metadata_props": inlined + len(facts) + 1,
            "node": len(result.graph.node) - len(source.graph.node),
            "initializer": len(result.graph.initializer) - len(source.graph.initializer),
            "value_info": len(result.graph.value_info) - len(source.graph.value_info),
            "output": len(result.graph.output) - len(source.graph.output),
            "input": len(inputs),
        }
    )
    for key, value in facts.items():
        result.metadata_props.add(key=key, value=value)


def _fitting(labels: Sequence[str], analysis: Analysis) -> list[str]:
    classes = analysis.score.classes
    if classes is not None and len(labels) != classes:
        raise InputError(f"{len(labels)} labels for {classes} classes: give one name a class")
    return list(labels)


def _version() -> str:
    try:
        return version("cam-core")
    except PackageNotFoundError:  # an uninstalled tree
        return "0+unknown"
