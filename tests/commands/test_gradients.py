"""Which input `gradcam check` looks at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.commands.calls import call, write

ort = pytest.importorskip("onnxruntime")

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


@pytest.mark.parametrize("given", ["x b"])
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
