"""Reads a model once into the form every later step works on: typed tensors, normal operators."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_graphsurgeon as gs
from onnx import numpy_helper
from onnx_graphsurgeon.logger import G_LOGGER

from cam_core.errors import ModelError

from . import shapes
from .ceil_pools import require_counted
from .facts import Facts
from .fold import constant_value, worth
from .graph import FIXED_IR, Graph, Tensor
from .kinds import SAME_TYPE
from .load import opset
from .normalise import normalise, with_forgotten
from .sequences import resolved
from .sparse import declared, dense, sparse_value, with_dense
from .static import with_open_borders
from .stored import embedded
from .wellformed import require_made, require_nodes, require_sizes, require_typed


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
        model = with_open_borders(model)
    unknown = {operator for domain, operator in shapes.OUTSIDE if not domain}
    require_nodes(model.graph, {"": version}, SAME_TYPE | unknown)
    skeleton, small, weights = _skeleton(model, folder)
    if around is not None:
        captured = {i.name for i in model.graph.input} & set(around.tensors)
        small |= {name: around.values[name] for name in captured & set(around.values)}
        weights |= captured & around.weights
    facts = shapes.infer(skeleton, small, weights, around.probed if around is not None else {})
    require_sizes(facts.shapes)
    imported, tensors = _imported(skeleton, facts)
    for node in imported.nodes:
        first = node.inputs[0].dtype if node.inputs else None
        kind = first if first is not None and not isinstance(first, int) else np.float32
        normalise(node, version, np.dtype(kind))
    require_counted(imported.nodes, version)
    return Graph(
        version,
        imported.nodes,
        tensors,
        [t for t in imported.inputs if t.name not in weights],
        imported.outputs,
        facts.values | small,
        weights,
        model,
        counts=facts.counts,
        probed=facts.probed,
        seen=facts.seen,
        decided=facts.decided,
        folder=folder,
    )


def _imported(skeleton: onnx.ModelProto, facts: Facts) -> tuple[gs.Graph, dict[str, Tensor]]:
    """The nodes and tensors, each typed as far as is known."""
    with G_LOGGER.suppress():  # it warns, on stdout, of what we do not use
        imported = gs.import_onnx(skeleton)
    tensors = imported.tensors(check_duplicates=False)
    for name, tensor in tensors.items():
        if isinstance(tensor, gs.Variable):
            tensor.shape = facts.shapes.get(name)
            tensor.dtype = _dtype(facts.dtypes.get(name), tensor.dtype)
    return imported, tensors


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
    for node in resolved(in_order(nodes), small, opset(model)):
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
            graph.node.append(with_forgotten(node))
            continue
        name = node.output[0]
        weights.add(name)
        graph.input.append(
            onnx.helper.make_tensor_value_info(
                name, onnx.helper.np_dtype_to_tensor_dtype(value.dtype), value.shape
            )
        )
        if worth(value.size, value.dtype):
            small[name] = value
    return skeleton, small, frozenset(weights)


def _worth(kind: int, dims: Sequence[int]) -> bool:
    """Is a constant small enough, and made of numbers, to have its value known?"""
    if kind in (onnx.TensorProto.STRING, onnx.TensorProto.UNDEFINED):
        return False
    return worth(float(np.prod(dims, dtype=np.float64)), kind)


def _small(tensor: onnx.TensorProto, folder: Path | None) -> np.ndarray[Any, Any] | None:
    if not _worth(tensor.data_type, tensor.dims):
        return None
    if tensor.data_location != onnx.TensorProto.EXTERNAL:
        return numpy_helper.to_array(tensor)
    return None if folder is None else numpy_helper.to_array(embedded(tensor, folder))


def in_order(nodes: Sequence[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """In topological order; a file that is sorted already, as all should be, keeps its own."""
    makers = {name: i for i, node in enumerate(nodes) for name in node.output if name}
    needs = {
        i: {makers[name] for name in names_read(node) if name in makers}
        for i, node in enumerate(nodes)
    }
    if all(j < i for i, need in needs.items() for j in need):
        return list(nodes)
    try:
        return [nodes[i] for i in TopologicalSorter(needs).static_order()]
    except CycleError as error:
        stuck = nodes[min(error.args[1])]
        name = stuck.name or stuck.op_type
        raise ModelError(f"the graph has a cycle through node '{name}'") from None


def names_read(node: onnx.NodeProto) -> Iterator[str]:
    """As `reads`, of a node that is not imported yet."""
    yield from node.input
    for body in (b for a in node.attribute for b in (a.g, *a.graphs)):
        made = {name for inner in body.node for name in inner.output}
        made |= {i.name for i in (*body.input, *body.initializer)}
        for inner in body.node:
            yield from (name for name in names_read(inner) if name not in made)
