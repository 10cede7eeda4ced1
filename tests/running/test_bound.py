"""Buffers that stay: a bound session against plain runs, and where tensors are kept on a device."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from backends.onnx import Bound, OnnxBackend, instrument
from backends.onnx.running.ort_values import HOST, device_of, run_values
from backends.onnx.running.runtime import open_session, providers
from cam_core.errors import InputError, ModelError

ort = pytest.importorskip("onnxruntime")

TEXT = """<ir_version: 8, opset_import: ["" : 13]>
net ({kind}[N, 3, 8, 12] x) => ({kind}[N, 5] y) {{
    conv = Conv<pads = [1, 1, 1, 1]>(x, w)
    late = Relu(conv)
    gap = GlobalAveragePool(late)
    flat = Flatten(gap)
    y = MatMul(flat, v)
}}"""
SHAPES = {"w": (6, 3, 3, 3), "v": (6, 5)}
SHAPE = (2, 3, 8, 12)


def net(kind: str = "float") -> onnx.ModelProto:
    model = onnx.parser.parse_model(TEXT.format(kind=kind))
    rng = np.random.default_rng(5)
    dtype = np.float16 if kind == "float16" else np.float32
    for name, shape in SHAPES.items():
        value = rng.normal(size=shape).astype(dtype)
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    return model


def images(seed: int, dtype: Any = np.float32) -> Any:
    return np.random.default_rng(seed).normal(size=SHAPE).astype(dtype)


@pytest.mark.parametrize("kind", ["float", "float16"])
def test_each_run_is_the_plain_one(kind: str) -> None:
    model = instrument(net(kind), static=SHAPE, outputs=("map", "score", "class_used"))
    bound, plain = Bound(model), ort.InferenceSession(model.SerializeToString())
    dtype = np.float16 if kind == "float16" else np.float32
    for seed, classes in enumerate(([-1, 3], [0, 0], [4, -1])):
        feed = {"x": images(seed, dtype), "cam_class": np.array(classes)}
        names = [o.name for o in plain.get_outputs()]
        expected = dict(zip(names, plain.run(None, feed), strict=True))
        found = bound(feed)
        assert list(found) == names
        for name, array in found.items():
            assert array.dtype == expected[name].dtype
            np.testing.assert_array_equal(array, expected[name])


def test_buffers_stay_and_copies_come_out() -> None:
    bound = Bound(instrument(net(), static=SHAPE))
    values = {**bound.inputs, **bound.outputs}
    before = {name: value.data_ptr() for name, value in values.items()}
    first = bound({"x": images(0), "cam_class": np.array([1, 1])}, ["cam_map"])
    kept = first["cam_map"].copy()
    second = bound({"x": images(1)}, ["cam_map"])  # cam_class stays
    assert list(first) == ["cam_map"]
    assert {name: value.data_ptr() for name, value in values.items()} == before
    np.testing.assert_array_equal(first["cam_map"], kept)
    again = bound({"x": images(1), "cam_class": np.array([1, 1])}, ["cam_map"])
    np.testing.assert_array_equal(second["cam_map"], again["cam_map"])
    other = bound({"cam_class": np.array([2, 2])}, ["cam_map"])
    assert not np.array_equal(again["cam_map"], other["cam_map"])


def test_it_reads_files_with_external_weights(tmp_path: Path) -> None:
    model = instrument(net(), static=SHAPE, target=1)
    expected = Bound(model)({"x": images(0)})
    path = tmp_path / "cam.onnx"
    onnx.save(model, path, save_as_external_data=True, location="cam.data", size_threshold=100)
    found = Bound(path)({"x": images(0)})
    np.testing.assert_array_equal(found["cam_map"], expected["cam_map"])


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ModelError, match=r"'x' is tensor\(float\) \[N, 3, 8, 12\].*--static"):
        Bound(instrument(net()))
    bound = Bound(instrument(net(), static=SHAPE))
    with pytest.raises(InputError, match="input 'cam_class' is not given"):
        bound({"x": images(0)})
    with pytest.raises(InputError, match=r"input 'x' is float64 .*takes float32 \[2, 3, 8, 12\]"):
        bound({"x": images(0, float)})
    with pytest.raises(InputError, match=r"input 'x' is float32 \[1, 3, 8, 12\]"):
        bound({"x": images(0)[:1]})
    with pytest.raises(InputError, match="no input 'image'; the model takes x, cam_class"):
        bound({"image": images(0)})
    with pytest.raises(InputError, match="no output 'map'; the model gives y, cam_map"):
        bound.read(["map"])


@pytest.mark.parametrize("key", ["enable_cuda_graph", "trt_cuda_graph_enable"])
@pytest.mark.parametrize("on", [1, "1", True])
def test_a_backend_refuses_to_replay(key: str, on: Any) -> None:
    with pytest.raises(InputError, match=rf"option '{key}'.*backends\.onnx\.Bound"):
        OnnxBackend(net(), providers=[("cuda", {key: on})])
    OnnxBackend(net(), providers=[("cpu", {key: "0"})])


BOTH = ["CUDAExecutionProvider", "CPUExecutionProvider"]


@pytest.fixture
def cuda_sessions(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A machine whose CUDA provider loads: which providers its sessions were opened with."""
    opened: list[Any] = []

    class Session:
        used = BOTH

        def __init__(self, model: bytes, options: Any, *, providers: Any) -> None:
            opened.append(providers)

        def get_providers(self) -> list[str]:
            return self.used

    monkeypatch.setattr(ort, "InferenceSession", Session)
    monkeypatch.setattr("backends.onnx.running.runtime.loads", lambda name: True)
    monkeypatch.setattr(ort, "get_available_providers", lambda: BOTH)
    return opened


def test_options_reach_their_provider(cuda_sessions: list[Any]) -> None:
    open_session(net(), asked=[("cuda", {"device_id": 1, "enable_cuda_graph": True}), "cpu"])
    options = {"device_id": "1", "enable_cuda_graph": "1"}
    assert cuda_sessions == [[("CUDAExecutionProvider", options), "CPUExecutionProvider"]]


def test_a_provider_that_was_asked_for_is_used_or_refused(
    cuda_sessions: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ort.InferenceSession, "used", BOTH[1:])  # no device: it goes on without
    with pytest.raises(InputError, match="'CUDAExecutionProvider' finds no device here"):
        open_session(net(), asked=["cuda"])
    open_session(net())
    assert cuda_sessions == [BOTH[:1], BOTH]


def test_a_provider_with_options_must_load_too() -> None:
    with pytest.raises(InputError, match="provider 'abacus' does not load here"):
        providers([("abacus", {})])


class Binding:
    """What is bound where; its outputs are their names."""

    def __init__(self) -> None:
        self.inputs: dict[str, Any] = {}
        self.outputs: dict[str, Any] = {}

    def bind_ortvalue_input(self, name: str, value: Any) -> None:
        self.inputs[name] = value

    def bind_output(self, name: str, *device: Any) -> None:
        self.outputs[name] = device

    def get_outputs(self) -> list[str]:
        return list(self.outputs)


class OnSecondGpu:
    """A session that computes nothing."""

    outputs = (
        ("y", "tensor(float)", ["N", 5]),
        ("bias", "tensor(float)", [5]),
        ("index", "tensor(int64)", ["N", 5]),
        ("shape", "tensor(int64)", [4]),
        ("axis", "tensor(int32)", []),
        ("names", "seq(map(int64,tensor(float)))", None),
    )

    def __init__(self) -> None:
        self.binding = Binding()

    def get_providers(self) -> list[str]:
        return ["CUDAExecutionProvider", "CPUExecutionProvider"]

    def get_provider_options(self) -> dict[str, dict[str, str]]:
        return {"CUDAExecutionProvider": {"device_id": "1"}, "CPUExecutionProvider": {}}

    def get_outputs(self) -> list[Any]:
        return [SimpleNamespace(name=n, type=t, shape=s) for n, t, s in self.outputs]

    def io_binding(self) -> Binding:
        return self.binding

    def run_with_iobinding(self, binding: Any) -> None:
        assert binding is self.binding


def test_on_a_gpu_tensors_stay_there_and_extents_do_not() -> None:
    session, residual = OnSecondGpu(), object()
    assert device_of(session) == ("cuda", 1)
    found = run_values(session, {"x": residual})
    assert session.binding.inputs == {"x": residual}
    there = dict.fromkeys(["y", "bias", "index"], ("cuda", 1))
    assert session.binding.outputs == there | {"shape": HOST, "axis": HOST}
    assert found == {name: name for name in ("y", "bias", "index", "shape", "axis")}


def test_on_the_cpu_the_device_is_the_host() -> None:
    session = open_session(net(), asked=["cpu"])
    assert device_of(session) == HOST
