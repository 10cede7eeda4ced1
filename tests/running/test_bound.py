"""Buffers that stay: a bound session against plain runs, and where tensors are kept on a device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from backends.onnx import Bound, OnnxBackend, instrument
from cam_core.errors import InputError, ModelError
from tests.running.nets import net

ort = pytest.importorskip("onnxruntime")


SHAPE = (2, 3, 8, 12)


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
