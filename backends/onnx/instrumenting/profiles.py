"""Runtimes that what is added is written for: what they lack is said otherwise, sizes are fixed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cam_core.backend import InputInfo
from cam_core.errors import InputError
from cam_core.image.preprocess import find_channel_axis, find_size
from cam_core.image.presets import Preprocess

from ..finding.analysis import Analysis
from ..reading.graph import Graph, Node, Tensor, told
from ..reading.static import Static
from ..writing import webgpu
from ..writing.emit import Fit
from ..writing.web import fitted


@dataclass(frozen=True)
class Profile:
    """A row of PROFILES."""

    runtime: str
    fit: Fit
    """Says an operator with those that there are."""


PROFILES = {"web": Profile(webgpu.RUNTIME, fitted)}
"""By the name that is asked for."""


def find_profile(name: str) -> Profile:
    """The row of that name.

    Raises:
        InputError: there is none.
    """
    if name not in PROFILES:
        raise InputError(f"no profile '{name}'; there are {', '.join(PROFILES)}")
    return PROFILES[name]


def fixed_sizes(analysis: Analysis, spec: Preprocess | None = None) -> Static | None:
    """One row, and the picture at its usual size, where the file leaves them open; None: nowhere.

    So that no extent is computed at run time, which a browser does on the CPU.

    Raises:
        InputError: an input is open otherwise.
    """
    infos = [analysis.layers.maps.taken(tensor) for tensor in analysis.graph.inputs]
    if all(isinstance(extent, int) for info in infos for extent in info.shape):
        return None
    return {info.name: _fixed(info, spec or Preprocess()) for info in infos}


def _fixed(info: InputInfo, spec: Preprocess) -> list[int]:
    sizes = {i: n for i, n in enumerate(info.shape) if isinstance(n, int)}
    if info.row_axis is not None:
        sizes.setdefault(info.row_axis, 1)
    if info.channel_axis is not None and info.pictured:
        axis = find_channel_axis(info)
        places = [i for i in range(len(info.shape)) if i not in (info.row_axis, info.channel_axis)]
        for place, extent in zip(places, find_size(spec, info, axis), strict=True):
            sizes.setdefault(place, extent)
        sizes.setdefault(info.channel_axis, 3)
    if len(sizes) < len(info.shape):
        shape = ", ".join(str(told(extent) or "?") for extent in info.shape)
        raise InputError(
            f"a profile fixes every size, and input '{info.name}' is [{shape}]: give its shape "
            f"with --static"
        )
    return [sizes[i] for i in range(len(info.shape))]


def left_over(nodes: Iterable[Node], given: Sequence[Tensor], graph: Graph) -> dict[str, int]:
    """How many of the nodes that were added to a graph the provider lacks, by operator.

    Args:
        given: the inputs that were added. Their conversion lies on the CPU, as they do.
    """
    names = {tensor.name for tensor in given}
    mine = [node for node in nodes if node.op != "Cast" or node.inputs[0].name not in names]
    found = webgpu.missing(mine, graph.opset, graph.constant)
    return {name: len(group) for name, group in sorted(found.items())}


def recorded(name: str | None, left: dict[str, int]) -> dict[str, Any] | None:
    """What the record says of it."""
    if name is None:
        return None
    return {"name": name, "runtime": find_profile(name).runtime, "fallback": left}
