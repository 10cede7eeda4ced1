"""What a file must hold before anything is made of it.

Some damage makes the native libraries hang, abort or ask for terabytes, and some would only be
seen halfway: it is refused here, before they are shown the model.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import onnx
from onnx import AttributeProto

from cam_core.errors import ModelError

from .kinds import MIXERS, POOLS
from .stored import KINDS, LARGEST, Graph, bodies, tensors_in

TREES = "trees have no gradient and no map, their scores are stairs"
LINEAR = (
    "the gradient of its scores is its coefficients, whatever the features are, and features have "
    "no places: no map"
)
VECTORS = "features have no places, so there is no map"
LEARNERS = {
    **dict.fromkeys(("TreeEnsembleClassifier", "TreeEnsembleRegressor", "TreeEnsemble"), TREES),
    **dict.fromkeys(("LinearClassifier", "LinearRegressor"), LINEAR),
    **dict.fromkeys(("SVMClassifier", "SVMRegressor"), VECTORS),
}
"""Operators of ai.onnx.ml that learn from tables, and why there is nothing to be seen."""
LAYERS = MIXERS | POOLS | {"RNN", "GRU", "LSTM"}
"""Where one of these stands, there is a network before the learner."""
OPTIONAL = onnx.defs.OpSchema.FormalParameterOption.Optional


def require_text(model: onnx.ModelProto) -> None:
    """Every name is text: where one is not, the libraries fail each in its own way.

    Raises:
        ModelError: a name is no UTF-8, which protobuf lets pass.
    """
    found: list[Any] = [o.domain for o in model.opset_import]
    for entry in model.metadata_props:
        found += (entry.key, entry.value)
    for function in model.functions:
        found += (function.domain, function.name, *function.input, *function.output)
        found += (o.domain for o in function.opset_import)
    for graph in (model.graph, *model.functions):
        found += _names(graph)
    for name in found:
        if not isinstance(name, str):
            raise ModelError(f"the model has a name that is no text ({name!r}); damaged?")


def require_network(model: onnx.ModelProto, name: str) -> None:
    """It has layers: not just a learner of the operators ai.onnx.ml, which see no places.

    Raises:
        ModelError: it is a forest, a linear model or the like.
    """
    nodes, local = model.graph.node, {f.domain for f in model.functions}
    learners = [n.op_type for n in nodes if n.domain == "ai.onnx.ml" and n.op_type in LEARNERS]
    if not learners or any(n.op_type in LAYERS or n.domain in local for n in nodes):
        return
    raise ModelError(
        f"{name} is a model of {learners[0]}: {LEARNERS[learners[0]]}; Grad-CAM explains networks "
        f"that see pictures or signals"
    )


def _names(graph: Graph) -> Iterator[Any]:
    if isinstance(graph, onnx.GraphProto):
        for info in (*graph.input, *graph.output, *graph.value_info):
            yield info.name
            yield from (dim.dim_param for dim in info.type.tensor_type.shape.dim)
    for tensor in tensors_in(graph):
        yield tensor.name
        for entry in tensor.external_data:
            yield from (entry.key, entry.value)
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        for attribute in node.attribute:
            yield attribute.name
            for body in bodies(attribute):
                yield from _names(body)


def require_made(graph: onnx.GraphProto) -> None:
    """Every tensor that is read is made, and made once."""
    weights = [t.name for t in graph.initializer]
    weights += [t.values.name for t in graph.sparse_initializer]
    inputs = [i.name for i in graph.input]
    outputs = [name for node in graph.node for name in node.output if name]
    made = {*weights, *inputs}
    for names in (inputs, [*made, *outputs]):
        seen: set[str] = set()
        for name in names:
            if name in seen:
                raise ModelError(f"tensor '{name}' is made twice: a broken model")
            seen.add(name)
    made |= {"", *outputs}
    for node in graph.node:
        for name in node.input:
            if name not in made:
                where = f"node '{node.name or node.op_type}'"
                raise ModelError(f"{where} reads '{name}', which nothing makes: a broken model")
    for output in graph.output:
        if not output.name or output.name not in made:
            raise ModelError(f"output '{output.name}' is made by nothing: a broken model")


def require_typed(graph: onnx.GraphProto) -> None:
    """Inputs are tensors of known type; no declared type is beyond ONNX."""
    weights = {t.name for t in graph.initializer}
    for info in (*graph.input, *graph.output, *graph.value_info):
        kind = info.type.tensor_type.elem_type
        if kind and kind not in KINDS:
            raise ModelError(f"tensor '{info.name}' is of no known type ({kind}): a broken model")
    for info in graph.input:
        if info.name in weights:
            continue
        if info.type.WhichOneof("value") != "tensor_type" or not info.type.tensor_type.elem_type:
            raise ModelError(f"input '{info.name}' is no tensor of a known type; it cannot be fed")


def require_nodes(
    graph: onnx.GraphProto, versions: Mapping[str, int], without_schema: Iterable[str]
) -> None:
    """Every standard operator exists, with the inputs and attributes that it cannot do without."""
    older = frozenset(without_schema)
    for node in graph.node:
        if node.domain in ("", "ai.onnx"):
            _require_node(node, versions.get("", 0), older)
        for attribute in node.attribute:
            for body in bodies(attribute):
                require_nodes(body, versions, older)


def _require_node(node: onnx.NodeProto, version: int, older: frozenset[str]) -> None:
    where = f"node '{node.name or node.op_type}'"
    if node.op_type in older:
        if not (node.input and node.output):
            raise ModelError(f"{where} ({node.op_type}) lacks its input or output: a broken model")
        if node.op_type == "Crop":
            _require_sides(node, where)
        return
    if not onnx.defs.has(node.op_type):
        raise ModelError(f"{where}: there is no operator {node.op_type} in ONNX")
    try:
        schema = onnx.defs.get_schema(node.op_type, version)
    except onnx.defs.SchemaError:  # newer than the model's opset: the runtime will say so
        return
    for what, names, least, most, formals in (
        ("inputs", node.input, schema.min_input, schema.max_input, schema.inputs),
        ("outputs", node.output, schema.min_output, schema.max_output, schema.outputs),
    ):
        count = len(names)
        while count > least and not names[count - 1]:
            count -= 1
        given = zip(names[:least], formals, strict=False)
        lacking = [1 for n, formal in given if not n and formal.option != OPTIONAL]
        if not least <= count <= most or lacking:
            raise ModelError(
                f"{where} has {len([n for n in names[:count] if n])} {what}, {node.op_type} takes "
                f"{least if least == most else f'{least} or more'}: a broken model"
            )
    _require_attributes(node, schema, where)


def _require_sides(node: onnx.NodeProto, where: str) -> None:
    """What a Crop leaves out on four sides, and how much it leaves, where it says that."""
    given = {a.name: len(a.ints) for a in node.attribute}
    for name, counts in (("border", (4,)), ("scale", (0, 2))):
        if given.get(name, 0) not in counts:
            raise ModelError(f"{where} (Crop): '{name}' is not {counts[-1]} numbers")


def _require_attributes(node: onnx.NodeProto, schema: Any, where: str) -> None:
    given = {a.name: a for a in node.attribute}
    for name, known in schema.attributes.items():
        attribute = given.get(name)
        if attribute is None and known.required:
            raise ModelError(f"{where} ({node.op_type}) lacks its attribute '{name}'")
        if attribute is not None and attribute.type != int(known.type.value):
            kind = AttributeProto.AttributeType.Name(known.type.value)
            raise ModelError(f"{where} ({node.op_type}): attribute '{name}' is no {kind}")
    for attribute in node.attribute:
        if attribute.ref_attr_name or attribute.type == AttributeProto.UNDEFINED:
            raise ModelError(f"{where} ({node.op_type}): '{attribute.name}' has no value")


def require_sizes(shapes: Mapping[str, tuple[Any, ...]]) -> None:
    """No tensor comes out with a negative extent or beyond all memory."""
    for name, shape in shapes.items():
        known = [extent for extent in shape if isinstance(extent, int)]
        if any(extent < 0 for extent in known):
            raise ModelError(
                f"tensor '{name}' comes out as {list(shape)}: the shapes of the model contradict "
                f"one another; export it again"
            )
        if math.prod(known) > LARGEST:
            raise ModelError(
                f"tensor '{name}' would hold {math.prod(known):,} numbers ({list(shape)}); "
                f"that is no size for a model that is to be explained"
            )
