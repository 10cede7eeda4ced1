"""The ONNX backend against finite differences, its own whole file, and bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from backends.onnx import OnnxBackend, instrument
from cam_core.backend import Backend
from cam_core.errors import InputError, LayerError, ModelError, TargetError
from cam_core.explain import explain
from tests.cotangents import one_hot
from tests.sessions import run

ort = pytest.importorskip("onnxruntime")

TEXT = """<ir_version: 8, opset_import: ["" : 13]>
net (float[{batch}, 3, 8, 12] x) => (float[{batch}, 5] y) {{
    conv1 = Conv<pads = [1, 1, 1, 1]>(x, w1, b1)
    early = Tanh(conv1)
    conv2 = Conv<strides = [2, 2]>(early, w2)
    late = Tanh(conv2)
    gap = GlobalAveragePool(late)
    flat = Flatten(gap)
    y = Gemm<transB = 1>(flat, w3, b3)
}}"""
SHAPES = {"w1": (4, 3, 3, 3), "b1": (4,), "w2": (6, 4, 3, 3), "w3": (5, 6), "b3": (5,)}


def weights() -> dict[str, Any]:
    rng = np.random.default_rng(8)
    return {n: 0.3 * rng.normal(size=s).astype(np.float32) for n, s in SHAPES.items()}


def net(batch: str = "N", text: str = TEXT) -> onnx.ModelProto:
    model = onnx.parser.parse_model(text.format(batch=batch))
    model.graph.initializer.extend(numpy_helper.from_array(w, n) for n, w in weights().items())
    return model


def images(count: int) -> Any:
    return np.random.default_rng(2).normal(size=(count, 3, 8, 12)).astype(np.float32)


def test_it_is_a_backend() -> None:
    assert isinstance(OnnxBackend(net()), Backend)


@pytest.mark.parametrize("layer", ["early", "conv2", "late"])
def test_gradients_are_central_differences(layer: str, rng: np.random.Generator) -> None:
    model, x = OnnxBackend(net()), images(2)
    (capture,) = model.capture(x, one_hot(4, 1), layers=[layer])
    A, G = capture.activations.astype(np.float64), capture.gradients
    for _ in range(4):
        direction = rng.normal(size=A.shape)
        step = 1e-2
        tail = model.look(x, layers=[layer]).tail(layer)
        up, down = (tail(A + s * step * direction) for s in (1, -1))
        slope = (up - down)[[0, 1], [4, 1]] / (2 * step)
        expected = (G * direction).sum(axis=(1, 2, 3))
        np.testing.assert_allclose(slope, expected, rtol=1e-3, atol=1e-4)


def test_input_gradients_are_central_differences(rng: np.random.Generator) -> None:
    model, x = net(), images(2)
    (capture,) = OnnxBackend(model).capture(x, one_hot(3, 0), input_gradients=True)
    assert capture.input_gradients is not None
    for _ in range(4):
        direction = rng.normal(size=x.shape).astype(np.float32)
        up, down = (run(model, x=x + np.float32(s * 1e-2) * direction)["y"] for s in (1, -1))
        slope = (up - down)[[0, 1], [3, 0]] / 2e-2
        expected = (capture.input_gradients["x"] * direction).sum(axis=(1, 2, 3))
        np.testing.assert_allclose(slope, expected, rtol=1e-3, atol=1e-3)


def test_forward_and_tail_are_the_plain_model() -> None:
    model, x = OnnxBackend(net()), images(3)
    np.testing.assert_array_equal(model.forward(x)["y"], run(net(), x=x)["y"])
    for capture in model.capture(x, one_hot(0, 0, 0), layers=["early", "late"]):
        np.testing.assert_array_equal(capture.logits, run(net(), x=x)["y"])
        y = model.look(x, layers=[capture.layer]).tail(capture.layer)(capture.activations)
        np.testing.assert_allclose(y, run(net(), x=x)["y"], rtol=1e-6, atol=1e-7)


def test_a_batch_fixed_at_one_is_run_row_by_row() -> None:
    x = images(4)
    for layer in ("early", None):
        layers = None if layer is None else [layer]
        (rows,) = OnnxBackend(net("1")).capture(x, one_hot(0, 4, 2, 1), layers=layers)
        (whole,) = OnnxBackend(net()).capture(x, one_hot(0, 4, 2, 1), layers=layers)
        np.testing.assert_allclose(rows.activations, whole.activations, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(rows.gradients, whole.gradients, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(
        OnnxBackend(net("1")).forward(x)["y"], run(net(), x=x)["y"], rtol=1e-5, atol=1e-6
    )


CAPTIONS = """<ir_version: 8, opset_import: ["" : 13]>
net (float[{batch}, 3, 8, 12] x, float[3, 7, 6] words) => (float[{batch}, 3] y) {{
    late = Relu(x)
    gap = GlobalAveragePool(late)
    flat = Flatten(gap)
    m = ReduceMean<axes = [1], keepdims = 0>(words)
    p = MatMul(m, q)
    t = Transpose<perm = [1, 0]>(p)
    y = MatMul(flat, t)
}}"""
STATE = """<ir_version: 8, opset_import: ["" : 17]>
net (float[N, 3, 8, 12] x, float[2, N, 3] state, float gain) => (float[N, 3] y) {
    late = Relu(x)
    gap = GlobalAveragePool(late)
    flat = Flatten(gap)
    m = ReduceMean<axes = [0], keepdims = 0>(state)
    s = Mul(flat, m)
    y = Mul(s, gain)
}"""


@pytest.mark.parametrize("batch", ["1", "N"])
def test_every_row_gets_all_captions(batch: str, rng: np.random.Generator) -> None:
    model = onnx.parser.parse_model(CAPTIONS.format(batch=batch))
    q = rng.normal(size=(6, 3)).astype(np.float32)
    model.graph.initializer.append(numpy_helper.from_array(q, "q"))
    x, words = images(2), rng.normal(size=(3, 7, 6)).astype(np.float32)
    backend = OnnxBackend(model)
    assert {i.name: i.batched for i in backend.inputs()} == {"x": True, "words": False}
    (capture,) = backend.capture({"x": x, "words": words}, one_hot(2, 0), layers=["late"])
    captions = words.mean(axis=1) @ q  # [captions, channels]
    expected = np.maximum(x, 0).mean(axis=(2, 3)) @ captions.T
    np.testing.assert_allclose(capture.logits, expected, rtol=1e-4, atol=1e-6)
    slopes = captions[[2, 0]][:, :, None, None] / 96  # of a mean over 8 x 12 places
    np.testing.assert_allclose(capture.gradients, np.broadcast_to(slopes, x.shape), rtol=1e-4)
    tail = backend.look({"x": x, "words": words}, layers=["late"]).tail("late")
    twice = np.concatenate([x, 3 * x])
    expected = np.maximum(twice, 0).mean(axis=(2, 3)) @ captions.T
    np.testing.assert_allclose(tail(np.maximum(twice, 0)), expected, rtol=1e-4, atol=1e-6)


OVER_TIME = """
    gap = GlobalAveragePool(late)
    steps = Reshape(gap, to_steps)
    sequence, last, cell = LSTM<hidden_size = 5>(steps, W, R)
    y = Squeeze(last, first)
"""


def test_frames_before_an_lstm_have_a_map_each(rng: np.random.Generator) -> None:
    """Against differences of the LSTM's own model: a shift of one channel of one frame."""
    whole = "net (float[1, 4, 3, 6, 6] clip) => (float[1, 5] y)"
    head = "net (float[4, 3, 6, 6] late) => (float[1, 5] y)"
    first = "frames = Reshape(clip, to_frames)  late = Relu(frames)"
    constants = {
        "to_frames": np.array([-1, 3, 6, 6]),
        "to_steps": np.array([4, 1, 3]),
        "first": np.array([0]),
        "W": rng.normal(size=(1, 20, 3)).astype(np.float32),
        "R": rng.normal(size=(1, 20, 5)).astype(np.float32),
    }

    def made(of: str, body: str) -> onnx.ModelProto:
        text = f'<ir_version: 8, opset_import: ["" : 17]> {of} {{ {body} }}'
        model = onnx.parser.parse_model(text)
        for name, value in constants.items():
            if name in body:
                model.graph.initializer.append(numpy_helper.from_array(value, name))
        return model

    clip = rng.normal(size=(1, 4, 3, 6, 6)).astype(np.float32)
    A, tail = np.maximum(clip[0], 0), made(head, OVER_TIME)
    alpha = np.zeros((4, 3))
    for frame, channel in np.ndindex(4, 3):
        shift = np.zeros_like(A)
        shift[frame, channel] = 0.01
        up, down = (run(tail, late=A + sign * shift)["y"][0, 2] for sign in (1, -1))
        alpha[frame, channel] = (up - down) / 0.02 / 36
    expected = np.maximum((alpha[..., None, None] * A).sum(axis=1), 0)  # [frames, H, W]
    found = explain(OnnxBackend(made(whole, first + OVER_TIME)), clip, 2, layer="late")
    assert found.map.shape == (1, 4, 6, 6)
    np.testing.assert_allclose(found.map[0], expected, atol=5e-3 * expected.max())


def test_a_state_has_its_rows_on_its_second_axis(rng: np.random.Generator) -> None:
    backend = OnnxBackend(onnx.parser.parse_model(STATE))
    assert [i.row_axis for i in backend.inputs()] == [0, 1, None]
    x, state = images(2), rng.normal(size=(2, 2, 3)).astype(np.float32)
    feed = {"x": x, "state": state, "gain": np.array(3, np.float32)}
    (capture,) = backend.capture(feed, one_hot(1, 2), layers=["late"])
    factor = 3 * state.mean(axis=0)  # [rows, channels]
    expected = np.maximum(x, 0).mean(axis=(2, 3)) * factor
    np.testing.assert_allclose(capture.logits, expected, rtol=1e-5)
    slopes = np.zeros((2, 3, 1, 1))
    slopes[[0, 1], [1, 2], 0, 0] = factor[[0, 1], [1, 2]] / 96
    np.testing.assert_allclose(capture.gradients, np.broadcast_to(slopes, x.shape), rtol=1e-5)
    twice = np.concatenate([x, 3 * x])
    expected = np.maximum(twice, 0).mean(axis=(2, 3)) * np.tile(factor, (2, 1))
    tail = backend.look(feed, layers=["late"]).tail("late")
    np.testing.assert_allclose(tail(np.maximum(twice, 0)), expected, rtol=1e-5)


def test_several_layers_come_from_one_pass_in_the_order_asked() -> None:
    model, x = OnnxBackend(net()), images(2)
    together = model.capture(x, one_hot(1, 2), layers=["late", "early"])
    assert [c.layer for c in together] == ["late", "early"]
    for capture in together:
        (alone,) = model.capture(x, one_hot(1, 2), layers=[capture.layer])
        np.testing.assert_allclose(capture.gradients, alone.gradients, rtol=1e-6)


def test_other_weights_make_another_model() -> None:
    model, x = OnnxBackend(net()), images(2)
    doubled = model.with_weights(lambda name, w: w * 2 if name in ("w3", "b3") else w)
    np.testing.assert_allclose(doubled.forward(x)["y"], 2 * model.forward(x)["y"], rtol=1e-5)
    (own,), (other,) = (m.capture(x, one_hot(1, 2)) for m in (model, doubled))
    np.testing.assert_allclose(other.gradients, 2 * own.gradients, rtol=1e-5)


def test_guided_gradients_pass_positive_ones_only() -> None:
    text = TEXT.replace("Tanh", "Relu")
    x, target = images(2), one_hot(1, 2)
    (capture,) = OnnxBackend(net(text=text), guided=True).capture(x, target, layers=["conv2"])
    (late,) = OnnxBackend(net(text=text)).capture(x, target, layers=["late"])
    expected = np.where(late.activations > 0, np.maximum(late.gradients, 0), 0)
    np.testing.assert_allclose(capture.gradients, expected, rtol=1e-6)


@pytest.mark.parametrize("level", ["all", "extended", "basic", "disabled"])
def test_every_optimisation_level(level: str) -> None:
    model = OnnxBackend(net(), optimization=level)
    (capture,) = model.capture(images(2), one_hot(1, 2), layers=["early"])
    (expected,) = OnnxBackend(net()).capture(images(2), one_hot(1, 2), layers=["early"])
    np.testing.assert_allclose(capture.gradients, expected.gradients, rtol=1e-4, atol=1e-6)


def test_half_precision_is_captured_near_single(rng: np.random.Generator) -> None:
    model = net()
    for tensor in model.graph.initializer:
        half = numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(half, tensor.name))
    for info in (*model.graph.input, *model.graph.output):
        info.type.tensor_type.elem_type = onnx.TensorProto.FLOAT16
    x = images(2)
    (capture,) = OnnxBackend(model).capture(x.astype(np.float16), one_hot(1, 2), layers=["early"])
    (expected,) = OnnxBackend(net()).capture(x, one_hot(1, 2), layers=["early"])
    difference = np.linalg.norm(capture.gradients.astype(np.float32) - expected.gradients)
    assert difference < 1e-2 * np.linalg.norm(expected.gradients)


def test_a_mlp_is_explained_where_a_layer_is_named() -> None:
    model = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 13]>
        mlp (float[N, 3] x) => (float[N, 2] y) <
            float[3, 3] w = {1, 2, 3, 4, 5, 6, 7, 8, 9}, float[3, 2] v = {1, -1, 2, -2, 3, -3}>
        { h = MatMul(x, w)  y = MatMul(h, v) }"""
    )
    backend, x = OnnxBackend(model), np.array([[1, 0, 2]], np.float32)
    assert backend.forward(x)["y"].shape == (1, 2)
    e = explain(backend, x, 0, layer="h")
    h = x @ np.arange(1, 10, dtype=np.float32).reshape(3, 3)
    np.testing.assert_allclose(e.map, [(h * [1, 2, 3]).sum()])
    with pytest.raises(LayerError, match=r"only vectors without places; .*--layer, as 'h'"):
        explain(backend, x, 0)
    with pytest.raises(LayerError, match="only vectors without places"):
        instrument(model)


BAD_INPUTS = [
    (images(2)[:, :2], InputError, r"\[2, 2, 8, 12\], expected"),
    (images(2)[0], InputError, "expected"),
    (images(2).astype(complex), InputError, "complex"),
    ({"y": images(2)}, InputError, "no input 'y'"),
    ({}, InputError, "'x' is not given"),
]


@pytest.mark.parametrize(
    ("x", "error", "words"), BAD_INPUTS, ids=["extent", "rank", "type", "name", "none"]
)
def test_bad_inputs_are_refused(x: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        OnnxBackend(net()).capture(x, one_hot(0, 1))


def test_bad_options_are_refused() -> None:
    with pytest.raises(TargetError, match="cotangent"):
        OnnxBackend(net()).capture(images(2), lambda y, _: y[:1])
    with pytest.raises(InputError, match="optimisation level 'most'"):
        OnnxBackend(net(), optimization="most").forward(images(1))
    with pytest.raises(InputError, match="provider"):
        OnnxBackend(net(), providers=["abacus"]).forward(images(1))
    with pytest.raises(LayerError, match="did you mean"):
        OnnxBackend(net(), layer="layte")
    with pytest.raises(LayerError, match="A gives"):
        OnnxBackend(net()).look(images(2)).tail("late")(np.zeros((2, 6, 4, 4)))


BAD_FILES = [
    (b"", "holds no graph|empty"),
    (b"not a model", "not an ONNX model"),
    (net().SerializeToString()[:-100], "truncated|not an ONNX model"),
]


@pytest.mark.parametrize(("data", "words"), BAD_FILES, ids=["empty", "text", "truncated"])
def test_bad_files_are_refused(data: bytes, words: str, tmp_path: Any) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(data)
    for source in (data, file):
        with pytest.raises(ModelError, match=words) as caught:
            OnnxBackend(source)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="no such file"):
        OnnxBackend(tmp_path / "absent.onnx")


def test_what_it_says_of_itself() -> None:
    model = net()
    model.metadata_props.add(key="author", value="unknown")
    backend = OnnxBackend(model)
    assert (backend.default_layer, backend.score_name, backend.class_axis) == ("late", "y", 1)
    assert backend.layer_note == ""
    assert backend.metadata["author"] == "unknown"
    (info,) = backend.inputs()
    assert (info.name, info.shape, info.dtype, info.channel_axis) == (
        *("x", ("N", 3, 8, 12)),
        np.dtype(np.float32),
        1,
    )
    listed = {
        layer.name: (layer.operator, layer.shape, layer.default) for layer in backend.layers()
    }
    assert listed == {
        "conv1": ("Conv", ("N", 4, 8, 12), False),
        "early": ("Tanh", ("N", 4, 8, 12), False),
        "conv2": ("Conv", ("N", 6, 3, 5), False),
        "late": ("Tanh", ("N", 6, 3, 5), True),
    }
