"""Reads a model once into the form every later step works on: typed tensors, normal operators.

The `Graph` is for reading only. What is added is appended to a copy of the original model, so
nothing here has to survive a round trip.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnx
import onnx_graphsurgeon as gs
from onnx import numpy_helper
from onnx_graphsurgeon.logger import G_LOGGER

from cam_core.errors import ModelError

from . import shapes
from .ceiled import require_counted
from .fold import FOLD_LIMIT, constant_value
from .load import embedded, opset
from .normalise import normalise
from .sequences import resolved
from .sparse import declared, dense, sparse_value, with_dense
from .wellformed import nbytes, require_made, require_nodes, require_sizes, require_typed

Tensor: TypeAlias = Any
"""A `gs.Variable` or `gs.Constant`; onnx-graphsurgeon carries no types."""
Node: TypeAlias = Any
"""A `gs.Node`."""


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
    counts: dict[str, shapes.Extent] = field(default_factory=dict)
    """How far those tensors count that hold 0, 1, 2, ... in row-major order at any extent."""
    probed: dict[str, tuple[int, int]] = field(default_factory=dict)
    """The two values that stood for each dynamic extent."""
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


def floating(tensor: Tensor) -> bool:
    """Does the tensor hold floating point numbers?"""
    kind = tensor.dtype
    if isinstance(kind, int):  # a type NumPy lacks: graphsurgeon keeps ONNX's number
        return kind in (onnx.TensorProto.BFLOAT16, onnx.TensorProto.FLOAT16)
    return kind is not None and _is_floating(np.dtype(kind))


@functools.cache
def _is_floating(kind: np.dtype[Any]) -> bool:
    return bool(kind == BFLOAT16 or np.issubdtype(kind, np.floating))


def tiny(tensor: Tensor) -> bool:
    """Does it hold floating point numbers of 8 bits or fewer? NumPy takes them for none."""
    return str(tensor.dtype).startswith(("float4_", "float6_", "float8_"))


def prepare(
    model: onnx.ModelProto, around: Graph | None = None, *, folder: Path | None = None
) -> Graph:
    """The graph of `model`, weights left where they are.

    Args:
        model: a model, or a body as one whose inputs are also what it captures.
        around: of a body, the graph that it captures from.
        folder: where external weights lie; the small ones are read.

    Raises:
        ModelError: a tensor that nothing makes, an operator that does not exist or lacks what it
            needs, a tensor of impossible size, or a cycle.
    """
    version = opset(model)
    require_made(model.graph)
    if around is None:
        require_typed(model.graph)
    unknown = {operator for domain, operator in shapes.OUTSIDE if not domain}
    require_nodes(model.graph, {"": version}, shapes.SAME_TYPE | unknown)
    skeleton, small, weights = _skeleton(model, folder)
    if around is not None:
        captured = {i.name for i in model.graph.input} & set(around.tensors)
        small |= {name: around.values[name] for name in captured & set(around.values)}
        weights |= captured & around.weights
    facts = shapes.infer(skeleton, small, weights, around.probed if around is not None else {})
    require_sizes(facts.shapes)
    with G_LOGGER.suppress():  # it warns, on stdout, of what we do not use
        imported = gs.import_onnx(skeleton)
    tensors = imported.tensors(check_duplicates=False)
    for name, tensor in tensors.items():
        if isinstance(tensor, gs.Variable):
            tensor.shape = facts.shapes.get(name)
            tensor.dtype = _dtype(facts.dtypes.get(name), tensor.dtype)
    values = facts.values | small
    for node in imported.nodes:
        first = node.inputs[0].dtype if node.inputs else None
        kind = first if first is not None and not isinstance(first, int) else np.float32
        normalise(node, version, np.dtype(kind))
    require_counted(imported.nodes, version)
    inputs = [t for t in imported.inputs if t.name not in weights]
    outputs = imported.outputs
    return Graph(
        version,
        imported.nodes,
        tensors,
        inputs,
        outputs,
        values,
        weights,
        model,
        counts=facts.counts,
        probed=facts.probed,
        decided=facts.decided,
        folder=folder,
    )


def _dtype(elem_type: int | None, fallback: Any) -> Any:
    if not elem_type:
        return fallback
    try:
        return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(elem_type))
    except (KeyError, TypeError):
        return fallback


def _skeleton(
    model: onnx.ModelProto, folder: Path | None
) -> tuple[onnx.ModelProto, dict[str, np.ndarray[Any, Any]], frozenset[str]]:
    """A copy with every weight as an input, the small constants, and all constants' names."""
    skeleton = onnx.ModelProto(ir_version=max(model.ir_version, FIXED_IR))
    skeleton.opset_import.extend(model.opset_import)
    skeleton.functions.extend(model.functions)
    graph = skeleton.graph
    graph.name = model.graph.name or "graph"
    small = {}
    for tensor in model.graph.initializer:
        graph.input.append(
            onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
        )
        value = _small(tensor, folder)
        if value is not None:
            small[tensor.name] = value
    for sparse in model.graph.sparse_initializer:
        graph.input.append(declared(sparse))
        if _worth(sparse.values.data_type, sparse.dims):
            small[sparse.values.name] = dense(sparse, folder)
    weights = {i.name for i in graph.input}
    graph.input.extend(i for i in model.graph.input if i.name not in weights)
    graph.output.extend(model.graph.output)
    graph.value_info.extend(model.graph.value_info)
    nodes = [n if sparse_value(n) else with_dense(n, folder) for n in model.graph.node]
    for node in resolved(_sorted(nodes), small, opset(model)):
        sparse_one = sparse_value(node)
        if sparse_one is not None:
            name = node.output[0]
            weights.add(name)
            graph.input.append(declared(sparse_one, name))
            if _worth(sparse_one.values.data_type, sparse_one.dims):
                small[name] = dense(sparse_one, folder)
            continue
        value = constant_value(node) if node.op_type == "Constant" and node.attribute else None
        if value is None:
            graph.node.append(node)
            continue
        name = node.output[0]
        weights.add(name)
        graph.input.append(
            onnx.helper.make_tensor_value_info(
                name, onnx.helper.np_dtype_to_tensor_dtype(value.dtype), value.shape
            )
        )
        if value.size <= FOLD_LIMIT:
            small[name] = value
    return skeleton, small, frozenset(weights)


def _worth(kind: int, dims: Sequence[int]) -> bool:
    """Is a constant small enough, and made of numbers, to have its value known?"""
    if kind in (onnx.TensorProto.STRING, onnx.TensorProto.UNDEFINED):
        return False
    return bool(np.prod(dims, dtype=np.float64) <= FOLD_LIMIT)


def _small(tensor: onnx.TensorProto, folder: Path | None) -> np.ndarray[Any, Any] | None:
    if not _worth(tensor.data_type, tensor.dims):
        return None
    if tensor.data_location != onnx.TensorProto.EXTERNAL:
        return numpy_helper.to_array(tensor)
    return None if folder is None else numpy_helper.to_array(embedded(tensor, folder))


def _sorted(nodes: Sequence[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """Kahn's order; a file that is sorted already, as all should be, keeps its own."""
    makers = {name: i for i, node in enumerate(nodes) for name in node.output if name}
    needs = [{makers[name] for name in _names_read(node) if name in makers} for node in nodes]
    if all(j < i for i, need in enumerate(needs) for j in need):
        return list(nodes)
    followers: dict[int, list[int]] = defaultdict(list)
    for i, need in enumerate(needs):
        for j in need:
            followers[j].append(i)
    missing = [len(need) for need in needs]
    ready = [i for i, count in enumerate(missing) if not count]
    for i in ready:
        for follower in followers[i]:
            missing[follower] -= 1
            if not missing[follower]:
                ready.append(follower)
    if len(ready) < len(nodes):
        stuck = next(node for node, count in zip(nodes, missing, strict=True) if count)
        raise ModelError(f"the graph has a cycle through node '{stuck.name or stuck.op_type}'")
    return [nodes[i] for i in ready]


def _names_read(node: onnx.NodeProto) -> Iterator[str]:
    """As `reads`, of a node that is not imported yet."""
    yield from node.input
    for body in (b for a in node.attribute for b in (a.g, *a.graphs)):
        made = {name for inner in body.node for name in inner.output}
        made |= {i.name for i in (*body.input, *body.initializer)}
        for inner in body.node:
            yield from (name for name in _names_read(inner) if name not in made)
