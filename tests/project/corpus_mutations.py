"""Damage to a ModelProto: `MUTATIONS` maps a name to a function (model, rng) that changes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, helper, numpy_helper

Mutation = Callable[[Any, np.random.Generator], None]
ABSURD = (0, -1, -7, 99, 2**20, 2**31, 2**40, 2**62, -(2**63))


def pick(rng: np.random.Generator, items: Any) -> Any:
    return items[int(rng.integers(len(items)))]


def node(model: Any, rng: np.random.Generator) -> Any:
    return pick(rng, model.graph.node)


def weight(model: Any, rng: np.random.Generator) -> Any:
    return pick(rng, model.graph.initializer)


# names and order


def dangling(model: Any, rng: np.random.Generator) -> None:
    victim = pick(rng, [n for n in model.graph.node if n.input])
    victim.input[int(rng.integers(len(victim.input)))] = "nobody makes this"


def duplicate_output(model: Any, rng: np.random.Generator) -> None:
    first, second = (node(model, rng) for _ in range(2))
    second.output[0] = first.output[0]


def duplicate_node(model: Any, rng: np.random.Generator) -> None:
    twin = node(model, rng)
    model.graph.node.add().CopyFrom(twin)


def duplicate_weight(model: Any, rng: np.random.Generator) -> None:
    twin = weight(model, rng)
    model.graph.initializer.add().CopyFrom(twin)


def duplicate_input(model: Any, rng: np.random.Generator) -> None:
    twin = pick(rng, model.graph.input)
    model.graph.input.add().CopyFrom(twin)


def weight_named_as_output(model: Any, rng: np.random.Generator) -> None:
    weight(model, rng).name = node(model, rng).output[0]


def weight_without_name(model: Any, rng: np.random.Generator) -> None:
    weight(model, rng).name = ""


def cycle(model: Any, rng: np.random.Generator) -> None:
    readers = [i for i, n in enumerate(model.graph.node) if n.input]
    early = pick(rng, readers)
    late = int(rng.integers(early, len(model.graph.node)))
    model.graph.node[early].input[0] = model.graph.node[late].output[0]


def shuffled(model: Any, rng: np.random.Generator) -> None:
    nodes = [model.graph.node[i] for i in rng.permutation(len(model.graph.node))]
    copies = [onnx.NodeProto.FromString(n.SerializeToString()) for n in nodes]
    del model.graph.node[:]
    model.graph.node.extend(copies)


def node_removed(model: Any, rng: np.random.Generator) -> None:
    del model.graph.node[int(rng.integers(len(model.graph.node)))]


def weight_removed(model: Any, rng: np.random.Generator) -> None:
    del model.graph.initializer[int(rng.integers(len(model.graph.initializer)))]


# what a node says


def inputs_dropped(model: Any, rng: np.random.Generator) -> None:
    victim = node(model, rng)
    del victim.input[int(rng.integers(len(victim.input) + 1)) :]


def all_inputs_dropped(model: Any, rng: np.random.Generator) -> None:
    del node(model, rng).input[:]


def input_emptied(model: Any, rng: np.random.Generator) -> None:
    victim = pick(rng, [n for n in model.graph.node if n.input])
    victim.input[int(rng.integers(len(victim.input)))] = ""


def inputs_added(model: Any, rng: np.random.Generator) -> None:
    node(model, rng).input.extend([model.graph.input[0].name] * int(rng.integers(1, 9)))


def outputs_dropped(model: Any, rng: np.random.Generator) -> None:
    del node(model, rng).output[:]


def output_emptied(model: Any, rng: np.random.Generator) -> None:
    node(model, rng).output[0] = ""


def outputs_added(model: Any, rng: np.random.Generator) -> None:
    node(model, rng).output.extend(f"extra {i}" for i in range(int(rng.integers(1, 5))))


def operator_swapped(model: Any, rng: np.random.Generator) -> None:
    names = [s.name for s in onnx.defs.get_all_schemas() if not s.domain]
    node(model, rng).op_type = pick(rng, sorted(set(names)))


def operator_unknown(model: Any, rng: np.random.Generator) -> None:
    node(model, rng).op_type = pick(rng, ["", "relu", "Cnv", "x" * 5000, "C\nD"])


def domain_unknown(model: Any, rng: np.random.Generator) -> None:
    victim = node(model, rng)
    victim.domain = pick(rng, ["nobody", "ai.onnx.ml", "com.microsoft", "local"])
    if rng.integers(2):
        model.opset_import.add(domain=victim.domain, version=1)


def attribute_dropped(model: Any, rng: np.random.Generator) -> None:
    victim = pick(rng, [n for n in model.graph.node if n.attribute])
    del victim.attribute[int(rng.integers(len(victim.attribute)))]


def attribute_of_another_type(model: Any, rng: np.random.Generator) -> None:
    old = pick(rng, pick(rng, [n for n in model.graph.node if n.attribute]).attribute)
    tensor = numpy_helper.from_array(np.ones(3))
    values = ["text", 1.5, 7, [1, 2], [0.5], ["a", "b"], tensor, [tensor]]
    old.CopyFrom(helper.make_attribute(old.name, pick(rng, values)))


def attribute_type_lies(model: Any, rng: np.random.Generator) -> None:
    victim = pick(rng, [n for n in model.graph.node if n.attribute])
    pick(rng, victim.attribute).type = pick(rng, AttributeProto.AttributeType.values())


def attribute_absurd(model: Any, rng: np.random.Generator) -> None:
    kinds = (AttributeProto.INT, AttributeProto.INTS)
    found = [a for n in model.graph.node for a in n.attribute if a.type in kinds]
    if not found:
        node(model, rng).attribute.append(helper.make_attribute("axis", pick(rng, ABSURD)))
        return
    victim = pick(rng, found)
    if victim.type == AttributeProto.INT:
        victim.i = pick(rng, ABSURD)
    else:
        victim.ints[int(rng.integers(len(victim.ints)))] = pick(rng, ABSURD)


def attribute_longer(model: Any, rng: np.random.Generator) -> None:
    found = [a for n in model.graph.node for a in n.attribute if a.ints]
    (pick(rng, found).ints if found else node(model, rng).input).extend(
        [1, 1, 1] if found else [""]
    )


def attribute_emptied(model: Any, rng: np.random.Generator) -> None:
    victim = pick(rng, pick(rng, [n for n in model.graph.node if n.attribute]).attribute)
    victim.CopyFrom(AttributeProto(name=victim.name, type=victim.type))


def attribute_refers(model: Any, rng: np.random.Generator) -> None:
    victim = pick(rng, pick(rng, [n for n in model.graph.node if n.attribute]).attribute)
    victim.CopyFrom(AttributeProto(name=victim.name, type=victim.type, ref_attr_name="outer"))


def attribute_added(model: Any, rng: np.random.Generator) -> None:
    node(model, rng).attribute.append(helper.make_attribute("surprise", pick(rng, [1, "a", 0.5])))


def attribute_twice(model: Any, rng: np.random.Generator) -> None:
    victim = pick(rng, [n for n in model.graph.node if n.attribute])
    victim.attribute.add().CopyFrom(victim.attribute[0])


# what a weight says


def weight_of_another_type(model: Any, rng: np.random.Generator) -> None:
    weight(model, rng).data_type = pick(rng, TensorProto.DataType.values())


def weight_of_no_type(model: Any, rng: np.random.Generator) -> None:
    weight(model, rng).data_type = pick(rng, [0, 99, -1, 2**31 - 1])


def weight_cast(model: Any, rng: np.random.Generator) -> None:
    victim = weight(model, rng)
    if victim.data_location != TensorProto.EXTERNAL:
        kinds = [np.float64, np.int64, np.int32, np.bool_, np.float16, np.uint8]
        array = numpy_helper.to_array(victim).astype(pick(rng, kinds))
        victim.CopyFrom(numpy_helper.from_array(array, victim.name))


def weight_dims(model: Any, rng: np.random.Generator) -> None:
    victim = weight(model, rng)
    if victim.dims:
        victim.dims[int(rng.integers(len(victim.dims)))] = pick(rng, ABSURD)
    else:
        victim.dims.append(pick(rng, ABSURD))


def weight_claims_a_tebi(model: Any, rng: np.random.Generator) -> None:
    victim = weight(model, rng)
    del victim.dims[:]
    victim.dims.extend([2**20, 2**20])


def weight_overflows(model: Any, rng: np.random.Generator) -> None:
    victim = weight(model, rng)
    del victim.dims[:]
    victim.dims.extend([2**32, 2**32])  # wraps to 0 in 64 bits


def weight_of_another_rank(model: Any, rng: np.random.Generator) -> None:
    victim = weight(model, rng)
    if rng.integers(2):
        victim.dims.append(1)
    else:
        del victim.dims[:]


def weight_of_other_shape(model: Any, rng: np.random.Generator) -> None:
    victim = weight(model, rng)
    if victim.data_location != TensorProto.EXTERNAL:
        shape = [int(d) for d in rng.integers(0, 5, size=int(rng.integers(0, 6)))]
        array = rng.normal(size=shape).astype(np.float32)
        victim.CopyFrom(numpy_helper.from_array(array, victim.name))


def weight_raw_size(model: Any, rng: np.random.Generator) -> None:
    victim = weight(model, rng)
    raw = victim.raw_data
    victim.raw_data = pick(rng, [b"", raw[:-1], raw[: len(raw) // 2], raw + b"\0", raw * 3])


def weight_without_data(model: Any, rng: np.random.Generator) -> None:
    weight(model, rng).ClearField("raw_data")


def weight_in_another_field(model: Any, rng: np.random.Generator) -> None:
    victim = weight(model, rng)
    victim.ClearField("raw_data")
    field = pick(rng, ["float_data", "int32_data", "int64_data", "double_data", "uint64_data"])
    getattr(victim, field).extend([1] * int(rng.integers(1, 200)))


def weight_in_two_fields(model: Any, rng: np.random.Generator) -> None:
    weight(model, rng).float_data.extend([1.0, 2.0])


def weight_not_finite(model: Any, rng: np.random.Generator) -> None:
    floats = [t for t in model.graph.initializer if t.data_type == TensorProto.FLOAT and t.raw_data]
    if floats:
        victim = pick(rng, floats)
        array = numpy_helper.to_array(victim).copy()
        array.flat[0] = pick(rng, [np.nan, np.inf, -np.inf, 3e38])
        victim.CopyFrom(numpy_helper.from_array(array, victim.name))
    else:
        weight_raw_size(model, rng)


def weight_sparse(model: Any, rng: np.random.Generator) -> None:
    victim = weight(model, rng)
    sparse = model.graph.sparse_initializer.add()
    values = numpy_helper.from_array(np.ones(2, np.float32), victim.name)
    sparse.values.CopyFrom(values)
    sparse.indices.CopyFrom(numpy_helper.from_array(np.array([0, pick(rng, [1, 2**40, -5])])))
    sparse.dims.extend(victim.dims)
    model.graph.initializer.remove(victim)


# what the model says


def opset(model: Any, rng: np.random.Generator) -> None:
    model.opset_import[0].version = pick(rng, [0, -1, 1, 6, 8, 10, 13, 15, 18, 26, 99, 2**62])


def opset_missing(model: Any, rng: np.random.Generator) -> None:
    del model.opset_import[:]
    if rng.integers(2):
        model.opset_import.add(domain="ai.onnx.ml", version=1)


def opset_twice(model: Any, rng: np.random.Generator) -> None:
    domain = pick(rng, ["", "ai.onnx"])
    model.opset_import.add(domain=domain, version=pick(rng, [7, 13, 21]))


def ir_version(model: Any, rng: np.random.Generator) -> None:
    model.ir_version = pick(rng, [0, -1, 1, 2, 3, 4, 99, 2**62])


def ir_version_missing(model: Any, rng: np.random.Generator) -> None:
    model.ClearField("ir_version")


def graph_emptied(model: Any, rng: np.random.Generator) -> None:
    fields = ["node", "initializer", "input", "output", "value_info"]
    for name in pick(rng, [fields, ["node"], ["node", "initializer"], ["input", "node"]]):
        model.graph.ClearField(name)


def graph_missing(model: Any, rng: np.random.Generator) -> None:
    model.ClearField("graph")


def inputs_missing(model: Any, rng: np.random.Generator) -> None:
    model.graph.ClearField("input")


def outputs_missing(model: Any, rng: np.random.Generator) -> None:
    model.graph.ClearField("output")


def output_dangling(model: Any, rng: np.random.Generator) -> None:
    model.graph.output[0].name = pick(rng, ["", "nobody makes this", model.graph.input[0].name])


def output_twice(model: Any, rng: np.random.Generator) -> None:
    model.graph.output.add().CopyFrom(model.graph.output[0])


def extent(model: Any, rng: np.random.Generator) -> None:
    """An absurd extent of an input or output."""
    shape = pick(rng, [*model.graph.input, *model.graph.output]).type.tensor_type.shape
    if shape.dim:
        pick(rng, shape.dim).dim_value = pick(rng, ABSURD)


def input_absurd(model: Any, rng: np.random.Generator) -> None:
    for dim in model.graph.input[0].type.tensor_type.shape.dim[2:]:
        dim.dim_value = pick(rng, [2**16, 2**20, 2**40, 0, -1])


def rank(model: Any, rng: np.random.Generator) -> None:
    shape = pick(rng, [*model.graph.input, *model.graph.output]).type.tensor_type.shape
    if rng.integers(2) and shape.dim:
        del shape.dim[int(rng.integers(len(shape.dim))) :]
    else:
        shape.dim.add().dim_value = 2


def shape_missing(model: Any, rng: np.random.Generator) -> None:
    pick(rng, [*model.graph.input, *model.graph.output]).type.tensor_type.ClearField("shape")


def type_missing(model: Any, rng: np.random.Generator) -> None:
    pick(rng, [*model.graph.input, *model.graph.output]).ClearField("type")


def type_swapped(model: Any, rng: np.random.Generator) -> None:
    kinds = [*TensorProto.DataType.values(), 99, -1]
    pick(rng, [*model.graph.input, *model.graph.output]).type.tensor_type.elem_type = pick(
        rng, kinds
    )


def type_no_tensor(model: Any, rng: np.random.Generator) -> None:
    kind = pick(rng, [*model.graph.input, *model.graph.output]).type
    tensor = onnx.TypeProto()
    tensor.CopyFrom(kind)
    name = pick(rng, ["sequence_type", "optional_type"])
    getattr(kind, name).elem_type.CopyFrom(tensor)


def value_info_lies(model: Any, rng: np.random.Generator) -> None:
    name = node(model, rng).output[0]
    kind = pick(rng, [TensorProto.FLOAT, TensorProto.INT64, TensorProto.STRING])
    shape = pick(rng, [[1], [2**40, 3], [None, None], None, [-3, 0], [4, 5, 6, 7, 8]])
    model.graph.value_info.append(helper.make_tensor_value_info(name, kind, shape))


def names_of_ours(model: Any, rng: np.random.Generator) -> None:
    """Metadata that only an instrumented model has, or a tensor with a name of ours."""
    key = pick(rng, ["cam.version", "cam.added", "cam.inlined", "cam.preprocess", "cam.labels"])
    model.metadata_props.add(key="cam.version", value="1")
    model.metadata_props.add(key=key, value=pick(rng, ["", "{}", "[1", '{"node": 99}', "\0"]))


def text_odd(model: Any, rng: np.random.Generator) -> None:
    odd = pick(rng, ["\0", "a\nb", "é" * 300, "[bold]x[/nope]", "../../x", "%s{0}", "\x1b[31m"])
    victim = node(model, rng)
    old, victim.name = victim.output[0], odd
    for reader in model.graph.node:
        for field in (reader.input, reader.output):
            for i, name in enumerate(field):
                field[i] = odd if name == old else name


MUTATIONS: dict[str, Mutation] = {
    name: value
    for name, value in list(globals().items())
    if callable(value)
    and getattr(value, "__annotations__", {}).get("return") == "None"
    and name != "Mutation"
}
