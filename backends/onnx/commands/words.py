"""What a command says of how a model is read: a line for the layer, a line for its inputs."""

from __future__ import annotations

from cam_core.region import Region

from ..finding.analysis import Analysis
from ..reading.graph import Extent, Tensor


def layer_said(analysis: Analysis) -> str:
    """The layer, its layout, and what of which input its maps cover."""
    choice = analysis.choices[0]
    region = choice.region
    said = f"{choice.name}  {choice.layout.text()}"
    if region is not None:
        covers = "" if region.whole else f", {windows_said(region)} of it"
        laid_out = f" laid out as {region.layout}" if region.folded else ""
        said += f"  over '{region.input}'{laid_out}{covers}"
    return f"{said} ({choice.why})" if choice.why else said


def windows_said(region: Region) -> str:
    """What of each axis is covered: 0.25 to 0.75 x 0 to 1; of any size, 0-2 cells to 1+2 cells."""
    shifts = region.shifts or ((0.0, 0.0),) * len(region.windows)
    bounds = (zip(*both, strict=True) for both in zip(region.windows, shifts, strict=True))
    return " x ".join(" to ".join(_bound(part, cells) for part, cells in b) for b in bounds)


def _bound(part: float, cells: float) -> str:
    return f"{part:.3g}" + (f"{cells:+g} cells" if cells else "")


def inputs_said(analysis: Analysis) -> str:
    """Of each input what its axes are; of what the score does not count rows of, that."""
    return "; ".join(_said(analysis, tensor) for tensor in analysis.graph.inputs)


def _said(analysis: Analysis, tensor: Tensor) -> str:
    maps = analysis.layers.maps
    info = maps.taken(tensor)
    if info.row_axis is None:
        return f"{info.name} [{', '.join(map(_extent, info.shape))}], given whole"
    kinds = ["places"] * len(info.shape)
    if info.row_axis < len(kinds):
        kinds[info.row_axis] = "rows"
    if info.channel_axis is not None:
        kinds[info.channel_axis] = "channels"
    folded = maps.folded(tensor.name)
    if folded:
        kinds[-1] += f" as {' x '.join(str(extent) for _, extent in folded)}"
    axes = ", ".join(f"{_extent(n)} {kind}" for n, kind in zip(info.shape, kinds, strict=True))
    decided = " x ".join(_extent(info.shape[axis]) for axis in info.decided)
    return f"{info.name} [{axes}]" + (f", {decided} as the weights have it" if decided else "")


def _extent(extent: Extent) -> str:
    return "?" if extent is None else str(extent)
