"""The operators that two files share, and what each of one's would make by the other's numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ..reading.kinds import EXTENTS, QUANTISERS, VIEWS
from .net import Net
from .suspects import PREFIX, Error, Suspect, Suspects, outputs_as

APART = EXTENTS | QUANTISERS | {"Cast", "Constant", "ConstantOfShape"}
"""Operators whose numbers are no rounding of others'."""
SHOWING = VIEWS | {"Concat", "Slice", "Gather", "Split"}
"""Operators that show the same numbers, and hand on what is kept in float."""

TypeOf = Callable[[str], np.dtype[Any] | None]
"""The type of a tensor of a file."""


@dataclass
class Twins:
    """Collects them from the second file.

    Args:
        net: the file whose errors are looked for.
        plain: the file that counts as right.
        kind, theirs: the types of the tensors of either.
    """

    net: Net
    plain: Net
    kind: TypeOf
    theirs: TypeOf
    found: list[Suspect] = field(default_factory=list)
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: dict[str, onnx.TensorProto] = field(default_factory=dict)
    wide: dict[str, str] = field(default_factory=dict)
    own: dict[str, str] = field(default_factory=dict)
    """Tensor of `plain` -> the same of `net`."""
    shows: set[str] = field(default_factory=set)
    """Tensors that are others, shown again: they round nothing."""

    def add(self, node: onnx.NodeProto, twin: onnx.NodeProto) -> None:
        """e = what the operator makes - what the other file's makes of the same inputs."""
        y, theirs = node.output[0], twin.output[0]
        kind, right = self.kind(y), self.theirs(theirs)
        self.own |= dict(zip(twin.output, node.output, strict=False))
        if kind is None or right is None or right.kind != "f" or node.op_type in APART:
            return
        read = list(self._read(twin))
        if any(name is None for name in read):
            return
        made = f"{PREFIX}{y}.float"
        if node.op_type in SHOWING and not any(self._held(name) for name in twin.input):
            self.shows.add(y)
        copy = onnx.NodeProto()
        copy.CopyFrom(twin)
        copy.name = made
        copy.input[:] = [str(name) for name in read]
        copy.output[:] = outputs_as(twin, made)
        self.nodes.append(copy)
        instead, wide = self._results(node, twin)
        error = Error((y,), made, theirs)
        names = (twin.name or y,)
        self.found.append(
            Suspect(y, "node", (error,), instead, wide, nodes=names, shown=node.name or y)
        )

    def _results(
        self, node: onnx.NodeProto, twin: onnx.NodeProto
    ) -> tuple[dict[str, str], dict[str, str]]:
        """(instead, wide) of all that the operator makes."""
        instead, wide = {}, {}
        made = outputs_as(twin, f"{PREFIX}{node.output[0]}.float")
        for y, theirs, name in zip(node.output, twin.output, made, strict=False):
            kind, right = self.kind(y), self.theirs(theirs)
            if name and kind is not None and right is not None and right.kind == "f":
                same = kind == right
                instead[y] = name if same else self._cast(name, f"{PREFIX}{y}.narrow", kind)
                wide[y] = name
        return instead, wide

    def _held(self, name: str) -> bool:
        """Is it a weight of the other file?"""
        value = self.plain.value(name) if name else None
        return value is not None and value.dtype.kind == "f"

    def _read(self, twin: onnx.NodeProto) -> Iterator[str | None]:
        """What the other file's operator reads, here; None of what is not found."""
        for name in twin.input:
            value = self.plain.value(name) if name else None
            if value is not None:
                held = f"{PREFIX}{name}.held"
                self.weights.setdefault(held, numpy_helper.from_array(value, held))
                yield held
                continue
            here = self.own.get(name, name if name in self.net.names else None)
            yield here if not name or here is None else self._widened(here, self.theirs(name))

    def _widened(self, name: str, kind: np.dtype[Any] | None) -> str:
        """The tensor in the type of the other file."""
        if kind is None or self.kind(name) in (None, kind):
            return name
        if name not in self.wide:
            self.wide[name] = self._cast(name, f"{PREFIX}{name}.wide", kind)
        return self.wide[name]

    def _cast(self, name: str, made: str, kind: np.dtype[Any]) -> str:
        to = helper.np_dtype_to_tensor_dtype(kind)
        self.nodes.append(helper.make_node("Cast", [name], [made], made, to=to))
        return made

    def with_readers(self) -> tuple[Suspect, ...]:
        """A tensor kept in float is made and read in float: its readers go with it."""
        known = {s.name: s for s in self.found}
        whole = []
        for s in (one for one in self.found if one.name not in self.shows):
            same = self.kind(s.name) == self.theirs(str(s.errors[0].twin))
            made = self.net.makers[s.name].output
            after = [] if same else [name for y in made for name in self._readers(y)]
            together = [s, *(known[name] for name in after if name in known)]
            whole.append(
                replace(
                    s,
                    instead={k: v for one in together for k, v in one.instead.items()},
                    wide={k: v for one in together for k, v in one.wide.items()},
                    nodes=tuple(dict.fromkeys(n for one in together for n in one.nodes)),
                )
            )
        return tuple(whole)

    def _readers(self, name: str) -> list[str]:
        """What is computed of a tensor, be it shown in another shape before."""
        found = []
        for node in self.net.readers.get(name, []):
            found.append(node.output[0])
            if node.op_type in SHOWING:
                found += [name for y in node.output for name in self._readers(y)]
        return found


def find_twins(net: Net, plain: Net, kind: TypeOf, theirs: TypeOf) -> Suspects:
    """All operators of a file that another has too, by the tensors that they make.

    They are the same where their result has one name, else where they have one.
    """
    named = {n.name: n for n in plain.model.graph.node if n.name}
    twins = Twins(net, plain, kind, theirs)
    for node in net.model.graph.node:
        inner = any(a.HasField("g") or a.graphs for a in node.attribute)
        for twin in (plain.makers.get(node.output[0]), named.get(node.name)):
            if twin is not None and twin.op_type == node.op_type and not inner:
                twins.add(node, twin)
                break
    return Suspects(twins.with_readers(), tuple(twins.nodes), tuple(twins.weights.values()))
