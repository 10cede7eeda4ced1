"""What the page is told of a model: how it is fed, and what its numbers mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ..backend import InputInfo
from ..head import Head
from ..image import Preprocess
from ..image.preprocess import find_channel_axis, find_channels, find_size, with_rows
from ..region import Region, Window

WHOLE: Window = (0.0, 1.0)


def facts_of(
    info: InputInfo,
    spec: Preprocess,
    heads: Sequence[Head],
    metadata: Mapping[str, str],
    *,
    spec_source: str,
    labels: Sequence[str] | None,
    labels_source: str,
    layer_note: str = "",
    region: Region | None = None,
) -> dict[str, Any]:
    """Ready for JSON, as `page/types.d.ts` has it.

    Args:
        info: the picture that the model takes.
        metadata: of the instrumented file, `cam.layer` and its like.
        region: what of the picture the map covers; None: all of it.

    Raises:
        InputError: the input is no photo.
    """
    axis = find_channel_axis(info)
    size = find_size(spec, info, axis)
    find_channels(info, axis)
    return {
        "input": _input(info, axis),
        "size": list(size),
        "preprocess": asdict(spec),
        "preprocess_source": spec_source,
        "labels": None if labels is None else list(labels),
        "labels_source": labels_source,
        "head": _head(heads[0]),
        "layer": metadata["cam.layer"].replace(";", ", "),
        "layer_note": layer_note,
        "method": metadata["cam.method"],
        "target": metadata["cam.target"],
        "windows": windows_of(region, info, axis, size),
        "score": metadata["cam.score"],
        "source_sha256": metadata["cam.source_sha256"],
    }


def _input(info: InputInfo, axis: int) -> dict[str, Any]:
    """Its colours stand first or last, also where the model itself does not say."""
    rank = len(info.shape)
    return {
        "name": info.name,
        "shape": [extent if isinstance(extent, int) else None for extent in info.shape],
        "dtype": str(info.dtype),
        "channel_axis": rank - 1 if axis == 3 else rank - 3,
        "row_axis": info.row_axis,
    }


def _head(head: Head) -> dict[str, Any]:
    found = head.record()
    return found | {"probability": head.probability, "ranked": head.ranked, "said": head.said}


def windows_of(
    region: Region | None, info: InputInfo, axis: int, size: tuple[int, int]
) -> list[list[float]]:
    """From where to where a map covers the picture, down and across, as parts of it."""
    places = (2, 3) if axis == 1 else (1, 2)
    if region is None or region.input not in ("", info.name):
        return [list(WHOLE), list(WHOLE)]
    rows = with_rows(info)
    shape = [extent if isinstance(extent, int) else 1 for extent in rows.shape]
    for place, extent in zip(places, size, strict=True):
        shape[place] = extent
    shift = 1 if info.alone else 0
    known = dict(zip((a + shift for a in region.axes), region.at(shape).windows, strict=True))
    return [list(known.get(place, WHOLE)) for place in places]
