"""What the record says of a model's inputs: their axes, and how a photo becomes one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from cam_core.backend import InputInfo
from cam_core.errors import InputError
from cam_core.image import Preprocess
from cam_core.image.preprocess import find_channel_axis, find_channels, find_size
from cam_core.sources.model_files import from_cam, from_ultralytics, to_preprocess
from cam_core.sources.preprocessing import fitted, guess_preset

from ..finding.analysis import Analysis
from ..reading.graph import told

GIVEN = "given when the file was written"


def fed(analysis: Analysis, preprocess: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Each input; the first that is a picture with its preprocessing: a guess where nobody says it.

    Args:
        preprocess: the fields of a `Preprocess`, for the picture.
    """
    infos = [analysis.layers.maps.taken(tensor) for tensor in analysis.graph.inputs]
    first = next((info for info in infos if info.channel_axis is not None), None)
    return [
        _input(info) | {"picture": _picture(info, analysis, preprocess) if info is first else None}
        for info in infos
    ]


def _input(info: InputInfo) -> dict[str, Any]:
    shape = [told(extent) for extent in info.shape]
    return {
        "name": info.name,
        "type": str(info.dtype),
        "shape": [extent if isinstance(extent, int) else None for extent in shape],
        "row_axis": info.row_axis,
        "channel_axis": info.channel_axis,
    }


def _picture(
    info: InputInfo, analysis: Analysis, given: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """None where the input is no photo, or what was given does not fit it."""
    metadata = {e.key: e.value for e in analysis.source.model.metadata_props}
    try:
        spec, source = _stated(info, metadata) if given is None else (to_preprocess(given), GIVEN)
        if spec is not None:
            return _prepared(info, spec) | {"stated": True, "source": source}
        name, spec, why = guess_preset(info, metadata, head=analysis.score.heads[0])
        return _prepared(info, spec) | {"stated": False, "source": f"{name}, {why}"}
    except (InputError, TypeError):
        return None


def _stated(info: InputInfo, metadata: Mapping[str, str]) -> tuple[Preprocess | None, str]:
    """What the model's own metadata say; nothing is read beside it."""
    each = (from_cam(metadata), from_ultralytics(metadata))
    found = next((one for one in each if one is not None and one.spec is not None), None)
    if found is None or found.spec is None:
        return None, ""
    return fitted(found.spec, info), found.where


def _prepared(info: InputInfo, spec: Preprocess) -> dict[str, Any]:
    """The preprocessing, with all that it leaves to the input."""
    axis = find_channel_axis(info)
    size, channels = find_size(spec, info, axis), find_channels(info, axis)
    letters = "CHW" if axis == 1 else "HWC"
    return asdict(spec) | {
        "layout": letters if info.alone else f"N{letters}",
        "size": list(size),
        "channels": channels,
        "order": "grey" if channels == 1 else "BGR" if spec.bgr else "RGB",
        "description": spec.describe(size, channels),
    }
