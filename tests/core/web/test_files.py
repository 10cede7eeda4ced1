"""What the page reads and writes: the metadata of a model, recordings, refusals in one sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from cam_core.recording import sha256_of
from cam_core.recording.recorded import from_npz
from tests.core.web.page import Call, grid

READ = 'const { read } = await load("onnx_file"); return read(args[0]);'
FACTS = """
const { factsOf } = await load("facts");
try { return factsOf(...args); } catch (error) { return error.message; }
"""


def plain(**metadata: str) -> onnx.ModelProto:
    """A model of one Identity, with a weight, open and fixed extents."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, 16, 2**33])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT16, [1, None])
    weight = helper.make_tensor("w", TensorProto.FLOAT, [2], [1.0, 2.0])
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [x], [y], [weight])
    model = helper.make_model(graph)
    for key, value in metadata.items():
        model.metadata_props.add(key=key.replace("__", "."), value=value)
    return model


def as_bytes(model: onnx.ModelProto) -> Any:
    return np.frombuffer(model.SerializeToString(), np.uint8)


def test_metadata_inputs_and_outputs_are_read(node: Call) -> None:
    found = node.body(READ, as_bytes(plain(first="1", cam__labels='["für", "猫"]')))
    assert found["metadata"] == {"first": "1", "cam.labels": '["für", "猫"]'}
    assert found["inputs"] == [{"name": "x", "type": 1, "dims": ["batch", 3, 16, 2**33]}]
    assert found["outputs"] == [{"name": "y", "type": 10, "dims": [1, ""]}]
    assert found["external"] is False


def test_weights_in_another_file_are_seen(node: Call) -> None:
    model = plain()
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL
    assert node.body(READ, as_bytes(model))["external"] is True


REFUSED = {
    "noise": (np.arange(200, dtype=np.uint8), "is no .onnx file that can be read"),
    "nothing": (np.zeros(0, np.uint8), "is no .onnx file that can be read"),
    "plain": (as_bytes(plain()), "gives no map: gradcam instrument m.onnx --outputs map,"),
    "older": (as_bytes(plain(cam__version="0")), "was instrumented by another version"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_what_is_no_instrumented_model_is_refused_in_one_sentence(name: str, node: Call) -> None:
    given, said = REFUSED[name]
    found = node.body(FACTS, given, "m.onnx")
    assert found.startswith(f"m.onnx {said}")
    assert "\n" not in found


ERRORS = [
    (
        "Could not find an implementation for GridSample(20) node with name '/head/grid'",
        "m.onnx needs the operator GridSample, which the browser's runtime does not have: ",
    ),
    (
        "Fatal error: com.acme:Fold(-1) is not a registered function/op",
        "m.onnx needs the operator com.acme:Fold, which",
    ),
    ("std::bad_alloc", "m.onnx (1.5 GB) is too large for this browser's memory: "),
    ("12345678", "m.onnx (1.5 GB) is too large for this browser's memory: "),
    ("something else.\nmore", "m.onnx does not run in this browser: something else."),
]


@pytest.mark.parametrize(("said", "sentence"), ERRORS)
def test_what_the_runtime_says_becomes_one_sentence(said: str, sentence: str, node: Call) -> None:
    body = 'return (await load("refusal")).sentence(new Error(args[0]), "m.onnx", 1.5e9)'
    found = node.body(body, said)
    assert found.startswith(sentence)
    assert "\n" not in found


@pytest.mark.parametrize("hashed", [True, False], ids=["hashed", "no hash at hand"])
def test_a_recording_is_read_back(hashed: bool, node: Call, rng: np.random.Generator) -> None:
    x = rng.normal(size=(1, 3, 4, 5)).astype(np.float32)
    cells = rng.normal(size=(2, 3)).astype(np.float32)
    y = np.array([[0.5, -1.0, 2.0]], np.float32)
    body = """
    const [hashed, found] = args;
    if (!hashed) Object.defineProperty(globalThis, "crypto", { value: undefined });
    return (await load("recording")).recorded(found);
    """
    given = {
        **{"x": x, "dims": x.shape, "logits": y, "logitDims": y.shape, "which": 2},
        **{"map": grid(np.maximum(cells, 0)), "signed": grid(cells)},
    }
    content = bytes(node.body(body, hashed, given))
    found = from_npz(content, "photo.npz")
    assert found.input_sha256 == sha256_of(x)
    np.testing.assert_array_equal(found.logits, y)
    np.testing.assert_array_equal(found.cam_map, np.maximum(cells, 0)[None])
    assert found.cam_signed is not None
    np.testing.assert_array_equal(found.cam_signed, cells[None])
    assert found.cam_class_used == 2


def test_half_precision_is_numpy_s(node: Call, rng: np.random.Generator) -> None:
    drawn = rng.normal(size=300) * 10.0 ** rng.integers(-9, 5, 300)
    edges = np.array([0.0, -0.0, 65504, 65519.9, 65520, 1e9, 6e-8, 2.9e-8, 6.1e-5, 1.0005, np.nan])
    values = np.concatenate([drawn, edges, -edges[:-1]])
    with np.errstate(over="ignore"):
        expected = values.astype(np.float16)
    found = np.array(node("half", "half", values), np.uint16)
    np.testing.assert_array_equal(found.view(np.float16), expected)
    body = 'const { half, whole } = await load("half"); return whole(half(args[0]))'
    np.testing.assert_array_equal(node.body(body, values), expected.astype(np.float32))
