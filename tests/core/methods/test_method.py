"""What a method says it needs, and who refuses or leaves out what for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

from backends.onnx import OnnxBackend, instrument
from cam_core import explain
from cam_core.answers import from_capture
from cam_core.demo import MODEL
from cam_core.errors import InputError, UnsupportedOpError
from cam_core.methods import METHODS, NEEDS, Method, Need, pulls_of
from cam_core.methods.from_gradients import over_space
from cam_core.targets.classes.one_class import ClassTarget

ort = pytest.importorskip("onnxruntime")


def brightness(A: Any) -> Any:
    """alpha_k = mean_S A^k."""
    return over_space(np.mean, A)


@pytest.fixture
def x(rng: np.random.Generator) -> Any:
    return rng.random((2, 3, 128, 128), dtype=np.float32)


def test_the_gradient_methods_need_gradients() -> None:
    for name in ["gradcam", "gradcam++", "xgradcam", "hirescam", "layercam"]:
        assert METHODS[name].needs == {"gradients"}


@pytest.mark.parametrize("need", [need for need in NEEDS if need != "gradients"])
def test_a_file_and_a_capture_give_gradients_alone(
    need: Need, x: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    method = Method(brightness, "", "", needs=frozenset({need}))
    monkeypatch.setitem(METHODS, "hungry", method)
    (capture,) = OnnxBackend(MODEL.read_bytes()).capture(x, ClassTarget(1))
    with pytest.raises(InputError) as caught:
        from_capture(capture, ClassTarget(1), "hungry")
    assert str(caught.value) == (
        f"method 'hungry' needs {NEEDS[need]}: a capture does not tell, `explain` does"
    )
    with pytest.raises(InputError) as caught:
        instrument(MODEL.read_bytes(), method="hungry")
    assert f"needs {NEEDS[need]} and cannot be written into a file" in str(caught.value)


def test_which_gradient_of_the_picture_a_look_gives_besides() -> None:
    """Of those with noise or steps, and of guided-gradcam with its two, one look is not all."""
    known = {name: row.pulls for name, row in METHODS.items() if row.pulls}
    plain = dict.fromkeys(("gradient", "gradientxinput", "fullgrad"), "plain")
    assert known == plain | {"guided": "guided"}
    assert pulls_of(["guided"]) == "guided"
    assert pulls_of(["guided", "gradient"]) == pulls_of(["gradcam", "gradient"]) == "plain"
    assert pulls_of(["guided", "gradcam"]) == pulls_of(["auto", "best"]) == pulls_of([]) == ""


def test_the_options_are_those_of_the_formula() -> None:
    assert METHODS["rise"].options["masks"] == 4000
    assert METHODS["legrad"].options == {"blocks": None}
    assert METHODS["gradcam"].options == {}


def test_an_unknown_need_is_a_slip() -> None:
    with pytest.raises(InputError, match="needs no 'gradient'; there are gradients, input"):
        Method(brightness, "", "", needs=frozenset({"gradient"}))  # type: ignore[arg-type]


def test_what_needs_no_gradients_gets_none(x: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the file there is then no backward pass either."""
    monkeypatch.setitem(METHODS, "brightness", Method(brightness, "", "", needs=frozenset()))
    found = explain(OnnxBackend(MODEL.read_bytes()), x, 1, "brightness")
    made = instrument(MODEL.read_bytes(), target=1, method="brightness", outputs=["map", "alpha"])
    session = ort.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    cam, alpha = session.run(["cam_map", "cam_alpha"], {"image": x})
    np.testing.assert_allclose(cam, found.map, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(alpha, found.alpha[..., 0, 0], rtol=1e-5)
    source = onnx.load_from_string(MODEL.read_bytes())
    weights = {tensor.name for tensor in source.graph.initializer}
    added = made.graph.node[len(source.graph.node) :]
    assert not weights & {name for node in added for name in node.input}


@pytest.mark.usefixtures("no_norm_pools")
def test_what_needs_no_gradients_minds_no_missing_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METHODS, "brightness", Method(brightness, "", "", needs=frozenset()))
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 13]> net (float[N, 3, 4, 4] x) => (float[N, 3] y) '
        "{ a = Relu(x) g = GlobalLpPool(a) y = Flatten(g) }"
    )
    with pytest.raises(UnsupportedOpError):
        instrument(model, layer="a", target=1)
    made = instrument(model, layer="a", target=1, method="brightness")
    assert made.graph.output[-1].name == "cam_map"
