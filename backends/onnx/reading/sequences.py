"""Sequences and optional values whose members are known from the file, read as plain tensors.

A list that is filled, then read at constant positions or joined, is no more than its members: who
reads it is replaced, in the reading copy, by an Identity, a Slice or a Concat of those. What hangs
on the run time stays as it is, and is refused where the derivative would pass it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, numpy_helper

AXES_INPUT = 13
"""The opset since which an Unsqueeze takes its axes as an input."""

Values = Mapping[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Parts:
    """A tensor cut along an axis."""

    source: str
    axis: int
    bounds: tuple[int, ...] | None
    """Where the parts begin and the last one ends; None: all are `size` long, however many."""
    size: int
    squeezed: bool
    """Parts of one slice, without the axis."""


Members = list[str] | Parts


def resolved(nodes: Iterable[NodeProto], values: Values, opset: int) -> Iterator[NodeProto]:
    """`nodes`, in order, with plain operators for what reads a known sequence.

    `values` holds the constants met so far; it is read as the nodes are drawn.
    """
    known: dict[str, Members] = {}
    for node in nodes:
        if node.domain not in ("", "ai.onnx"):
            yield node
            continue
        members = _members(node, known, values)
        if members is not None:
            known[node.output[0]] = members
        plain = list(_plain(node, known, values, opset))
        yield from plain or [node]


def _members(node: NodeProto, known: Mapping[str, Members], values: Values) -> Members | None:
    """What a node's output, a sequence or an optional value, is made of."""
    given, attrs = list(node.input), _attributes(node)
    held = known.get(given[0]) if given else None
    match node.op_type:
        case "SequenceEmpty":
            return []
        case "SequenceConstruct":
            return given
        case "SplitToSequence":
            return _parts(given, attrs, values)
        case "Optional":
            return given[:1] if given and held is None else None
        case "Identity" | "OptionalGetElement":
            return held
        case "SequenceInsert" | "SequenceErase" if isinstance(held, list):
            inserts = node.op_type == "SequenceInsert"
            end = len(held) if inserts else -1
            position = _position(given, 2 if inserts else 1, values, end)
            if position is None or not -len(held) <= position <= len(held):
                return None
            at = position % len(held) if position < 0 else position
            return [*held[:at], *([given[1]] if inserts else []), *held[at + (not inserts) :]]
    return None


def _parts(given: list[str], attrs: Mapping[str, Any], values: Values) -> Parts | None:
    axis = int(attrs.get("axis", 0))
    if len(given) < 2 or not given[1]:
        return Parts(given[0], axis, None, 1, not attrs.get("keepdims", 1))
    sizes = values.get(given[1])
    if sizes is None:
        return None
    if sizes.ndim == 0:
        return Parts(given[0], axis, None, int(sizes), squeezed=False)
    bounds = (0, *(int(end) for end in np.cumsum(sizes)))
    return Parts(given[0], axis, bounds, 0, squeezed=False)


def _plain(
    node: NodeProto, known: Mapping[str, Members], values: Values, opset: int
) -> Iterator[NodeProto]:
    """What the node is in plain operators; nothing: it stays."""
    members, y = known.get(node.input[0]) if node.input else None, node.output[0]
    if members is None:
        return
    if node.op_type == "OptionalGetElement" and isinstance(members, list) and len(members) == 1:
        yield onnx.helper.make_node("Identity", members, [y], node.name)
    elif node.op_type == "SequenceAt":
        position = _position(list(node.input), 1, values, None)
        if position is None:
            return
        if isinstance(members, Parts):
            yield from _cut(node, members, position)
        elif -len(members) <= position < len(members):
            yield onnx.helper.make_node("Identity", [members[position]], [y], node.name)
    elif node.op_type == "ConcatFromSequence" and isinstance(members, list) and members:
        yield from _joined(node, members, opset)


def _cut(node: NodeProto, parts: Parts, position: int) -> Iterator[NodeProto]:
    """One part: a Slice, or a Gather where it has lost its axis."""
    y = node.output[0]
    if parts.squeezed:
        yield _constant(f"{y}/at", np.array(position))
        yield onnx.helper.make_node(
            "Gather", [parts.source, f"{y}/at"], [y], node.name, axis=parts.axis
        )
        return
    if parts.bounds is not None:
        count = len(parts.bounds) - 1
        if not -count <= position < count:
            return
        start, end = parts.bounds[position % count], parts.bounds[position % count + 1]
    elif position < 0:
        return
    else:
        start, end = position * parts.size, (position + 1) * parts.size
    for name, value in (("start", start), ("end", end), ("axis", parts.axis)):
        yield _constant(f"{y}/{name}", np.array([value]))
    bounds = [f"{y}/{name}" for name in ("start", "end", "axis")]
    yield onnx.helper.make_node("Slice", [parts.source, *bounds], [y], node.name)


def _joined(node: NodeProto, members: list[str], opset: int) -> Iterator[NodeProto]:
    """A Concat, of members that are given the new axis first where there is one."""
    attrs, y = _attributes(node), node.output[0]
    axis = int(attrs["axis"])
    if attrs.get("new_axis", 0):
        old = opset < AXES_INPUT
        if not old:
            yield _constant(f"{y}/axis", np.array([axis]))
        for i, member in enumerate(members):
            given = [member] if old else [member, f"{y}/axis"]
            attribute: dict[str, Any] = {"axes": [axis]} if old else {}
            yield onnx.helper.make_node("Unsqueeze", given, [f"{y}/{i}"], **attribute)
        members = [f"{y}/{i}" for i in range(len(members))]
    yield onnx.helper.make_node("Concat", members, [y], node.name, axis=axis)


def _position(given: list[str], at: int, values: Values, default: int | None) -> int | None:
    """A constant position; `default` where it is left out."""
    if len(given) <= at or not given[at]:
        return default
    value = values.get(given[at])
    return None if value is None else int(value.item())


def _constant(name: str, value: np.ndarray[Any, Any]) -> NodeProto:
    tensor = numpy_helper.from_array(value.astype(np.int64), name)
    return onnx.helper.make_node("Constant", [], [name], value=tensor)


def _attributes(node: NodeProto) -> dict[str, Any]:
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
