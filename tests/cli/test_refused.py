"""One impossible method of several is told, and the others go on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest
from click.testing import CliRunner, Result

from cam_core.cli.group import gradcam
from cam_core.cli.refused import Refused, of_all
from cam_core.demo import MODEL
from cam_core.errors import InputError, ModelError

SCENE = MODEL.parent / "scenes" / "scene-1.png"
FLAT = """<ir_version: 8, opset_import: ["" : 17]>
g (float[1, 3, 4, 4] x) => (float[1, 2] y) <float[48, 2] w = {WEIGHTS}> {
    f = Flatten(x)
    y = MatMul(f, w)
}"""
"""A linear model of pixels: there is no layer with places."""


def explain(folder: Path, *methods: str, more: tuple[str, ...] = ()) -> Result:
    named = [word for name in methods for word in ("--method", name)]
    call = ["explain", str(MODEL), str(SCENE), "--target", "1", *named, *more]
    return CliRunner().invoke(gradcam, [*call, "-o", str(folder)])


def test_each_reason_once_and_the_sample_where_the_method_works_on_others() -> None:
    refused = Refused()
    assert refused.lines == []
    refused.failed("rollout", "a.png", InputError("no attention"))
    refused.failed("rollout", "b.png", InputError("no attention"))
    refused.worked("cam")
    refused.failed("cam", "b.png", InputError("no head"))
    assert refused.lines == ["rollout: no attention", "b.png: cam: no head"]


def test_where_none_works_the_error_says_each_or_what_all_say() -> None:
    same = of_all({"a": ModelError("no path"), "b": ModelError("no path")})
    assert (type(same), str(same)) == (ModelError, "no path")
    apart = of_all({"a": ModelError("no path"), "b": InputError("no head")})
    assert (type(apart), str(apart)) == (ModelError, "a: no path; b: no head")


def test_the_others_are_written(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    done = explain(tmp_path, "rollout", "gradcam", "layercam")
    assert done.exit_code == 0, done.output
    (note,) = done.stderr.splitlines()
    assert note.startswith("note: rollout: no attention over places")
    names = {path.name for path in tmp_path.glob("*.json")}
    assert names == {"scene-1.1.gradcam.json", "scene-1.1.layercam.json"}


def test_the_record_has_it_too(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    found = json.loads(explain(tmp_path, "rollout", "gradcam", more=("--json",)).stdout)
    assert [one["method"] for one in found["explanations"]] == ["gradcam"]
    (line,) = found["refused"]
    assert line.startswith("rollout: no attention")


def test_none_at_all_is_an_error(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    for methods in (("rollout",), ("rollout", "legrad")):
        done = explain(tmp_path, *methods)
        assert done.exit_code == 2
        assert done.stderr.startswith("Error: no attention over places")
        assert done.stderr.count("\n") == 1
        assert not list(tmp_path.iterdir())


def test_a_model_without_a_layer_still_has_a_gradient(tmp_path: Path) -> None:
    """y^0 is x itself times w: the gradient is w, whatever x is."""
    pytest.importorskip("onnxruntime")
    w = np.random.default_rng(5).standard_normal((48, 2)).astype(np.float32)
    text = FLAT.replace("{WEIGHTS}", "{" + ", ".join(f"{v:.8f}" for v in w.ravel()) + "}")
    onnx.save(onnx.parser.parse_model(text), tmp_path / "m.onnx")
    np.save(tmp_path / "x.npy", np.ones((1, 3, 4, 4), np.float32))
    files = [str(tmp_path / name) for name in ("m.onnx", "x.npy")]
    asked = ["--method", "gradcam", "--method", "gradient", "--target", "0"]
    done = CliRunner().invoke(gradcam, ["explain", *files, *asked, "-o", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert done.stderr.startswith("note: gradcam: ")
    expected = np.abs(w[:, 0]).reshape(3, 4, 4).max(axis=0)
    found = np.load(tmp_path / "out" / "x.0.gradient.npy")
    np.testing.assert_allclose(found, expected, rtol=1e-5)  # float32
