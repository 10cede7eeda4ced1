"""What `gradcam check` says of G on one input, and which input that is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.onnx.capturing.forward_pass import ForwardPass
from cam_core.backend import Gradients
from tests.commands.calls import MODEL, call, write
from tests.paths import DATA

ort = pytest.importorskip("onnxruntime")

BOUND = MODEL.replace("y = Gemm<transB=1>(f, v)", "g = Gemm<transB=1>(f, v)\n  y = Clip(g, z, z)")
GATED = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N,3,8,8] x) => (float[N,4] y)
<float far = {-1000}, float small = {0.01}>
{
  c = Conv<pads=[1,1,1,1]>(x, w)
  a = Relu(c)
  b = Sigmoid(a)
  s = Add(b, far)
  r = Relu(s)
  m = Mul(a, small)
  t = Add(r, m)
  p = GlobalAveragePool(t)
  f = Flatten(p)
  y = Gemm<transB=1>(f, v)
}"""
TWO = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N,3,8,8] x, float[N,5,1,1] b) => (float[N,4] y)
{
  c = Conv<pads=[1,1,1,1]>(x, w)
  s = Add(c, b)
  a = Relu(s)
  p = GlobalAveragePool(a)
  f = Flatten(p)
  y = Gemm<transB=1>(f, v)
}"""

TABLE = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N,3,8,8] x, int64[N,9] words) => (float[N,4] y)
<int64[2] places = {2, 3}, int64[1] middle = {1}>
{
  g = Gather(v, words)
  e = ReduceSum<keepdims=0>(g, middle)
  b = Unsqueeze(e, places)
  c = Conv<pads=[1,1,1,1]>(x, w)
  s = Add(c, b)
  a = Relu(s)
  p = GlobalAveragePool(a)
  f = Flatten(p)
  y = Gemm<transB=1>(f, v)
}"""


@pytest.mark.parametrize("more", [[], ["--numeric"], ["--no-verify", "--numeric"]], ids=str)
def test_a_gradient_of_zero_is_a_no_with_another_layer(
    more: list[str], tmp_path: Path, rng: np.random.Generator
) -> None:
    """Relu(sigmoid - 1000) is 0, with the slope 0; behind it G is a row of v over 64 places."""
    path = write(GATED, tmp_path / "gated.onnx", rng)
    found = call("check", path, "--layer", "b", *more)
    assert found.exit_code == 1, found.output
    (line,) = [row for row in found.output.splitlines() if row.startswith("gradient")]
    assert line == "gradient exactly 0 at layer 'b' (top class, noise); try --layer t"
    assert "verdict  no: " in found.output
    assert call("check", path, "--layer", "t", *more).exit_code == 0


def test_where_all_are_zero_no_layer_is_offered(tmp_path: Path, rng: np.random.Generator) -> None:
    text = BOUND.replace("(float[N,4] y)", "(float[N,4] y) <float z = {0}>")
    path = write(text, tmp_path / "bound.onnx", rng)
    found = call("check", path, "--json")
    assert found.exit_code == 1, found.output
    record = json.loads(found.output)
    assert record["verdict"] == "no"
    (row,) = record["gradient"]
    assert (row["empty"], row["elsewhere"]) == ("exactly 0", None)
    assert (
        "no other listed layer has more; try another input, or another"
        in call("check", path).output
    )


def test_each_target_is_weighed(model: Path) -> None:
    """Those that have a gradient have no line."""
    found = call("check", model, "--target", "0", "--target", "3", "--json")
    rows = json.loads(found.output)["gradient"]
    assert [(row["target"], row["empty"]) for row in rows] == [("0", ""), ("3", "")]
    assert "gradient" not in call("check", model).output


def test_what_cannot_be_tried_is_a_remark(tmp_path: Path, rng: np.random.Generator) -> None:
    """Nine random numbers up to 100 are no rows of a table of four."""
    path = write(TABLE, tmp_path / "table.onnx", rng)
    found = call("check", path)
    assert "gradient not tried: " in found.output
    assert "(on random numbers: give IMAGE or --input)" in found.output
    assert "outputs  unchanged" in found.output
    assert found.exit_code == 0, found.output
    numeric = call("check", path, "--numeric")
    assert numeric.exit_code == 2
    assert numeric.stderr.count("\n") == 1


@pytest.fixture
def fed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """All that onnxruntime is given, by name."""
    found: list[tuple[str, Any]] = []
    run, bind = ort.InferenceSession.run, ort.IOBinding.bind_ortvalue_input

    def seen(self: Any, names: Any, feed: Any, *rest: Any) -> Any:
        found.extend(feed.items())
        return run(self, names, feed, *rest)

    def bound(self: Any, name: str, value: Any) -> Any:
        found.append((name, value.numpy().copy()))
        return bind(self, name, value)

    monkeypatch.setattr(ort.InferenceSession, "run", seen)
    monkeypatch.setattr(ort.IOBinding, "bind_ortvalue_input", bound)
    return found


@pytest.mark.parametrize("given", ["x b", "b"])
def test_given_arrays_are_what_everything_runs_on(
    given: str, tmp_path: Path, rng: np.random.Generator, fed: list[tuple[str, Any]]
) -> None:
    arrays = {"x": rng.normal(size=(2, 3, 8, 8)), "b": rng.normal(size=(2, 5, 1, 1))}
    path, options = write(TWO, tmp_path / "two.onnx", rng), list[str]()
    for name in given.split():
        file = tmp_path / f"{name}.npy"
        np.save(file, arrays[name].astype(np.float32))
        options += ["--input", f"{name}={file}"]
    found = call("check", path, "--numeric", *options)
    assert found.exit_code == 0, found.output
    for name in given.split():
        seen = [value for what, value in fed if what == name]
        assert len(seen) >= 3  # before, after, and at the layer
        for value in seen:
            np.testing.assert_array_equal(value, arrays[name][:1].astype(np.float32))
    rows = {value.tobytes() for what, value in fed if what == "x"}
    assert len(rows) == 1  # one and the same throughout, given or random


REAL = [
    *("mesonet", "fastestdet", "yolox-nano", "ppocr-rec-en", "person-reid", "blazeface-front"),
    "deeplab-v3-voc",
]
"""Ties of a constant, SiLU and HardSwish stacks, thousands of places, a line, a region."""


@pytest.mark.skipif(not DATA.exists(), reason="the shared models are not here")
@pytest.mark.parametrize("name", REAL)
def test_real_models_agree_and_a_hundredth_is_found(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = DATA / "models" / f"{name}.onnx"
    right = call("check", path, "--numeric", "--no-verify")
    assert right.exit_code == 0, right.output
    assert "G agrees" in right.output
    own = ForwardPass.pull

    def wrong(self: Any, target: Any) -> Gradients:
        return Gradients({layer: G * 1.01 for layer, G in own(self, target).layers.items()})

    monkeypatch.setattr(ForwardPass, "pull", wrong)
    found = call("check", path, "--numeric", "--no-verify")
    assert found.exit_code == 1, found.output
    assert "G does not agree" in found.output
