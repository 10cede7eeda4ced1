"""A model as every later step reads it: typed tensors, who makes and who reads each.

It is for reading only. What is added is appended to a copy of the original model, so nothing here
has to survive a round trip.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnx
import onnx_graphsurgeon as gs
from onnx import numpy_helper

from .sparse import dense
from .stored import embedded, nbytes

Tensor: TypeAlias = Any
"""A `gs.Variable` or `gs.Constant`; onnx-graphsurgeon carries no types."""
Node: TypeAlias = Any
"""A `gs.Node`."""


Extent = int | str | None
"""Static, a symbol, or unknown."""
Shape = tuple[Extent, ...]

BFLOAT16 = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(onnx.TensorProto.BFLOAT16))
"""NumPy does not count it among the floating point types."""


FIXED_IR = 4
"""Below it every initialiser is an input, which keeps runtimes from folding it; from it on those
that are inputs too may be overridden."""


@dataclass
class Graph:
    """A model as the rules see it; tensors and nodes are onnx-graphsurgeon's."""

    opset: int
    nodes: list[Node]
    """In topological order."""
    tensors: dict[str, Tensor]
    inputs: list[Tensor]
    outputs: list[Tensor]
    values: dict[str, np.ndarray[Any, Any]]
    """Constants up to a few thousand elements, folded shape arithmetic included."""
    weights: frozenset[str]
    """Names of the initialisers and of the Constant nodes' outputs."""
    model: onnx.ModelProto
    counts: dict[str, Extent] = field(default_factory=dict)
    """How far those tensors count that hold 0, 1, 2, ... in row-major order at any extent."""
    probed: dict[str, tuple[int, int]] = field(default_factory=dict)
    """The two values that stood for each dynamic extent."""
    seen: tuple[Mapping[str, Any], Mapping[str, Any]] = field(default_factory=lambda: ({}, {}))
    """The small values under each probe, those that hang on the extents included."""
    decided: frozenset[str] = frozenset()
    """Conditions of an If that are the same at every run."""
    folder: Path | None = None
    """Where external weights lie."""
    extra: list[Node] = field(default_factory=list)
    """Nodes that the model itself does not hold: written where somebody needs them."""
    producer: dict[str, Node] = field(default_factory=dict)
    consumers: dict[str, list[Node]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.link()

    def link(self) -> None:
        """Finds anew who makes and who reads each tensor (after `nodes` changed)."""
        self.producer = {t.name: node for node in self.nodes for t in node.outputs if t.name}
        readers: dict[str, list[Node]] = defaultdict(list)
        for node in self.nodes:
            for name in dict.fromkeys(t.name for t in reads(node)):
                readers[name].append(node)
        self.consumers = dict(readers)

    def value(self, tensor: Tensor | None) -> np.ndarray[Any, Any] | None:
        """The tensor's value where it is a small constant, else None."""
        if tensor is None or not tensor.name:
            return None
        if isinstance(tensor, gs.Constant):
            return np.asarray(tensor.values)
        return self.values.get(tensor.name)

    def weight(self, tensor: Tensor) -> np.ndarray[Any, Any] | None:
        """An initialiser's value, however large; None: it is none, or one that a feed overrides."""
        if self.model.ir_version >= FIXED_IR and any(
            given.name == tensor.name for given in self.model.graph.input
        ):
            return None
        for sparse in self.model.graph.sparse_initializer:
            if sparse.values.name == tensor.name:
                return dense(sparse, self.folder)
        for held in self.model.graph.initializer:
            if held.name != tensor.name:
                continue
            if held.data_location != onnx.TensorProto.EXTERNAL:
                return numpy_helper.to_array(held)
            folder = self.folder
            return None if folder is None else numpy_helper.to_array(embedded(held, folder))
        return None

    @functools.cached_property
    def nbytes(self) -> int:
        """What the initialisers take."""
        sparse = (t for s in self.model.graph.sparse_initializer for t in (s.values, s.indices))
        return sum(nbytes(tensor) for tensor in (*self.model.graph.initializer, *sparse))

    def constant(self, tensor: Tensor) -> bool:
        """Is it the same at every run?"""
        name = tensor.name
        return isinstance(tensor, gs.Constant) or name in self.weights or name in self.values

    @functools.cached_property
    def input_shapes(self) -> dict[str, Shape]:
        """By name, of those whose rank is known."""
        return {t.name: tuple(t.shape) for t in self.inputs if t.shape is not None}

    @functools.cached_property
    def output_names(self) -> frozenset[str]:
        return frozenset(t.name for t in self.outputs)


def reads(node: Node) -> Iterator[Tensor]:
    """What a node reads, the outer tensors that its bodies capture included."""
    yield from (t for t in node.inputs if t.name)
    for value in node.attrs.values():
        if isinstance(value, gs.Graph):
            yield from captures(value)


def captures(body: gs.Graph) -> Iterator[Tensor]:
    """What a body reads of the graphs around it, as often as it reads it."""
    made = {t.name for inner in body.nodes for t in inner.outputs}
    made |= {t.name for t in body.inputs}
    read = [t for inner in body.nodes for t in reads(inner)]
    for tensor in (*read, *body.outputs):
        if tensor.name not in made and not isinstance(tensor, gs.Constant):
            yield tensor


def names_in(node: Node) -> Iterator[str]:
    """The node's name, and every name in its bodies."""
    yield node.name
    for body in node.subgraphs(recursive=False):
        yield from (t.name for t in (*body.inputs, *body.outputs))
        for inner in body.nodes:
            yield from (t.name for t in (*inner.inputs, *inner.outputs))
            yield from names_in(inner)


def told(extent: Extent) -> int | str | None:
    """An extent as people are told it: computed ones, named by their probes, are None."""
    return None if isinstance(extent, str) and "|" in extent else extent


def floating(tensor: Tensor) -> bool:
    """Does the tensor hold floating point numbers?"""
    kind = tensor.dtype
    if isinstance(kind, int):  # a type NumPy lacks: graphsurgeon keeps ONNX's number
        return kind in (onnx.TensorProto.BFLOAT16, onnx.TensorProto.FLOAT16)
    return kind is not None and _is_floating(np.dtype(kind))


@functools.cache
def _is_floating(kind: np.dtype[Any]) -> bool:
    return bool(kind == BFLOAT16 or np.issubdtype(kind, np.floating))


def numpy_type(kind: Any) -> np.dtype[Any]:
    """The type that numbers of this one are fed and given in: float32 for bfloat16."""
    known: np.dtype[Any] = np.dtype(kind)
    return np.dtype(np.float32) if known == BFLOAT16 else known


def tiny(tensor: Tensor) -> bool:
    """Does it hold floating point numbers of 8 bits or fewer? NumPy takes them for none."""
    return str(tensor.dtype).startswith(("float4_", "float6_", "float8_"))


def static(shape: Shape | None) -> bool:
    """Is every extent a number?"""
    return shape is not None and all(isinstance(d, int) for d in shape)
