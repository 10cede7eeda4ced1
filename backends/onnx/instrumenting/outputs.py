"""The tensors that are added as outputs: those of each target side by side, under their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cam_core.errors import InputError
from cam_core.region import Region

from ..finding.analysis import Analysis
from ..reading.graph import Tensor
from ..reading.names import MAPPED, OF_MODEL, OUTPUTS, PER_LAYER, output_name
from ..writing.arithmetic import as_float32
from ..writing.op import Op
from .methods import writable_method
from .row import How, Row
from .targets import Targets


@dataclass(frozen=True)
class Added:
    """An output that was added."""

    tensor: Tensor
    what: str
    """One of OUTPUTS."""
    number: int | None
    """Where there are several of that."""
    axes: tuple[str, ...]
    """What each of its axes counts."""
    merged: bool = False
    """Is it of several layers, each over its own maximum first?"""
    region: Region | None = None
    """What of an input a map covers; None: all of the picture, or nobody knows."""


def check_outputs(outputs: Sequence[str]) -> None:
    """Refuses names that no output has, and one that stands twice."""
    unknown = [name for name in outputs if name not in OUTPUTS]
    if unknown or not outputs:
        raise InputError(f"no output '{', '.join(unknown)}'; there are {', '.join(OUTPUTS)}")
    if len(set(outputs)) < len(outputs):
        raise InputError(f"an output is asked for twice: {', '.join(outputs)}; name each once")


def added(
    op: Op,
    analysis: Analysis,
    targets: Targets,
    method: str,
    names: Sequence[str],
    how: How,
) -> list[Added]:
    """The tensors to be added as outputs, named."""
    row = writable_method(method) if not set(MAPPED).isdisjoint(names) else None
    if row is not None and row.gives == "map" and "alpha" in names:
        raise InputError(f"method '{method}' gives a map and no weights: leave output 'alpha' out")
    rows = [Row(op, analysis, target, row, how, names) for target in targets.each]
    found: list[Added] = []
    for name in names:
        for number, tensors in _columns(rows, name):
            stacked = targets.stacked and name not in OF_MODEL
            tensor = _stack(op, tensors) if stacked else tensors[0]
            axes = _axes(rows[0], name, number, len(tensor.shape), stacked=stacked)
            region = rows[0].region(number) if name in ("map", "signed") else None
            named = op.named(tensor, output_name(name, number))
            found.append(Added(named, name, number, axes, name in rows[0].merged, region))
    return found


def _axes(row: Row, name: str, number: int | None, rank: int, *, stacked: bool) -> tuple[str, ...]:
    """What each axis counts; of what is laid out as a tensor of the model itself ()."""
    if name in ("activations", "gradients", "input_gradients", *OF_MODEL):
        return ()
    lead = ["rows", *(["targets"] if stacked else [])]
    if name in PER_LAYER and name != "noise_floor":
        lead += ["maps"] * row.maps(number)
    rest = rank - len(lead)
    if name == "alpha":
        return (*lead, "channels", *["places"] * (rest - 1))
    return (*lead, *["places"] * rest)


def _columns(rows: Sequence[Row], name: str) -> list[tuple[int | None, list[Tensor]]]:
    """(the output's number where there are several of its name, one tensor a target)."""
    if name in rows[0].merged:
        return [(None, [row.merged[name] for row in rows])]
    if name in PER_LAYER:
        several = len(rows[0].layers) > 1
        return [
            (i if several else None, [row.layers[i][name] for row in rows])
            for i in range(len(rows[0].layers))
        ]
    if name == "logits":
        return [(None, [as_float32(rows[0].op, rows[0].analysis.score.tensor)])]
    if name == "input_gradients":
        several = len(rows[0].inputs) > 1
        return [
            (i if several else None, [row.inputs[source] for row in rows])
            for i, source in enumerate(rows[0].inputs)
        ]
    found = [row.target.score if name == "score" else row.target.used for row in rows]
    if any(tensor is None for tensor in found):
        raise InputError(f"output '{name}' needs a class; target='cotangent' has none")
    return [(None, [t for t in found if t is not None])]


def _stack(op: Op, tensors: list[Tensor]) -> Tensor:
    """One axis more after N, one entry a target."""
    return op.Concat(*(op.Unsqueeze(t, [1]) for t in tensors), axis=1)
