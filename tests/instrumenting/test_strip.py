"""`strip` gives the source back, byte for byte, or says why it cannot."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from backends.onnx import instrument, strip
from cam_core.errors import ModelError
from cam_core.maps.combine import positive
from tests.instrumenting.nets import OUTPUTS, SHAPES, C, K, by_numpy, images, logits, net
from tests.sessions import run


def assert_stripped(model: onnx.ModelProto, **options: Any) -> onnx.ModelProto:
    """Message for message; returns the instrumented model."""
    made = instrument(model, **options)
    onnx.checker.check_model(made, full_check=True)
    back = strip(made)
    assert back == model
    assert back.SerializeToString(deterministic=True) == model.SerializeToString(deterministic=True)
    return made


STRIPPED: list[dict[str, Any]] = [
    {},
    {"target": "top:2", "outputs": list(OUTPUTS)},
    {"target": "cotangent", "gate": True},
    {"gate": True, "layer": ["early", "late"], "labels": ["a"] * C},
]


@pytest.mark.parametrize("options", STRIPPED, ids=str)
def test_strip_gives_the_source_back(options: dict[str, Any]) -> None:
    model = net()
    model.doc_string = "a model"
    model.graph.node[0].doc_string = "the first"
    model.graph.node[1].metadata_props.add(key="scope", value="late")
    model.metadata_props.add(key="cam.era", value="somebody else's")
    model.graph.value_info.append(helper.make_tensor_value_info("late", 1, ["N", K, 2, 4]))
    assert_stripped(model, **options)


def test_strip_of_an_old_ir_gives_its_inputs_back() -> None:
    """Below IR 4 initialisers are inputs: in their order, with declarations of their own."""
    model = net(8)
    model.ir_version = 3
    rng = np.random.default_rng(0)
    for name in rng.permutation(list(SHAPES)):
        info = helper.make_tensor_value_info(name, 1, SHAPES[name])
        if name == "w2":
            info.doc_string = "the second"
        model.graph.input.insert(int(rng.integers(0, 2)), info)
    onnx.checker.check_model(model)
    made = assert_stripped(model, outputs=["map", "gradients"])
    assert made.ir_version == 4
    assert [i.name for i in made.graph.input] == ["x", "cam_class"]
    found = run(made, x=images(2), cam_class=np.array([2, 0]))
    _, G, _, _ = by_numpy(images(2), [2, 0])
    np.testing.assert_allclose(found["cam_gradients"], G, rtol=1e-5)


def with_functions() -> onnx.ModelProto:
    """The same network: `Block` (called twice) calls `Rectified`, `Head` has an attribute."""
    h, sets = helper, [helper.make_opsetid("", 18), helper.make_opsetid("local", 1)]
    rectified = h.make_function(
        "local", "Rectified", ["a"], ["b"], [h.make_node("Relu", ["a"], ["b"])], sets
    )
    conv = h.make_node("Conv", ["a", "w", "bias"], ["c"], pads=[1, 1, 1, 1])
    call = h.make_node("Rectified", ["c"], ["b"], domain="local")
    block = h.make_function("local", "Block", ["a", "w", "bias"], ["b"], [conv, call], sets)
    soft = h.make_node("Softmax", ["a"], ["b"])
    soft.attribute.append(onnx.AttributeProto(name="axis", ref_attr_name="axis", type=2))
    head = h.make_function("local", "Head", ["a"], ["b"], [soft], sets, attributes=["axis"])
    model = net(18)
    nodes = {node.output[0]: node for node in model.graph.node}
    del model.graph.node[:]
    model.graph.node.extend([
        h.make_node("Block", ["x", "w1", "b1"], ["early"], domain="local", name="first"),
        nodes["pool"],
        nodes["conv2"],
        h.make_node("Rectified", ["conv2"], ["late"], domain="local", name="second"),
        *(nodes[name] for name in ("gap", "flat", "y")),
        h.make_node("Head", ["y"], ["p"], domain="local", axis=1),
    ])  # fmt: skip
    model.opset_import.add(domain="local", version=1)
    model.metadata_props.add(key="cam.era", value="somebody else's")
    model.functions.extend([rectified, block, head])
    return model


@pytest.mark.parametrize("options", STRIPPED, ids=str)
def test_local_functions_are_inlined_and_put_back(options: dict[str, Any]) -> None:
    model = with_functions()
    onnx.checker.check_model(model, full_check=True)
    assert_stripped(model, **options)


def test_through_local_functions_the_map_is_the_same() -> None:
    x = images(2)
    for layer in ("early", None):
        made = instrument(with_functions(), layer=layer, outputs=["gradients", "map"])
        found = run(made, x=x, cam_class=np.array([3, 1]))
        _, G, _, signed = by_numpy(x, [3, 1], layer=layer)
        np.testing.assert_allclose(found["cam_gradients"], G, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(found["cam_map"], positive(signed), rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(found["y"], logits(x))


def test_strip_refuses_what_it_cannot_take_back() -> None:
    with pytest.raises(ModelError, match="not instrumented"):
        strip(net())
    made = instrument(net())
    made.graph.node[0].name = "changed"
    with pytest.raises(ModelError, match="changed after"):
        strip(made)
