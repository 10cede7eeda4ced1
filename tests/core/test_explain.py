"""From a model to an explanation, and what is no question."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cam_core.answers import from_capture, from_captures
from cam_core.backend import Capture
from cam_core.captures import capture, pulled
from cam_core.errors import InputError, LayerError, ModelError, TargetError
from cam_core.explain import explain, explain_all
from cam_core.head import BoxNumbers, Head
from cam_core.methods import METHODS
from cam_core.targets import ClassTarget
from tests.core import linear
from tests.core.linear import LABELS, Linear


def test_explanation_of_a_linear_model(model: Linear, x: np.ndarray) -> None:
    e = explain(model, x, "bee", labels=LABELS)
    expected = np.einsum("k,nkhw->nhw", model.W[1], x) / 15
    np.testing.assert_allclose(e.map, expected, rtol=1e-5)
    np.testing.assert_allclose(e.score, expected.sum(axis=(1, 2)), rtol=1e-5)
    np.testing.assert_allclose(e.raw_max, expected.max(axis=(1, 2)), rtol=1e-5)
    np.testing.assert_allclose(e.alpha[..., 0, 0], np.tile(model.W[1] / 15, (2, 1)), rtol=1e-5)
    assert e.classes.tolist() == [1, 1]
    assert e.labels == ("bee", "bee")
    assert (e.layer, e.method, e.target, e.diagnosis) == ("x", "gradcam", "1", ("", ""))


def test_top_class_is_the_default(model: Linear, x: np.ndarray) -> None:
    logits = x.mean(axis=(2, 3)) @ model.W.T
    assert explain(model, x).classes.tolist() == logits.argmax(axis=1).tolist()


def test_explain_all_takes_one_look_and_a_pull_a_target(model: Linear, x: np.ndarray) -> None:
    found = explain_all(model, x, ["top:2", 0], ["gradcam", "hirescam"], layers=["x", "2x"])
    assert (model.looks, model.pulls) == (1, 3)
    assert [(e.target, e.layer, e.method) for e in found] == [
        (target, layer, method)
        for target in ("top:1", "top:2", "0")
        for layer in ("x", "2x")
        for method in ("gradcam", "hirescam")
    ]


def test_explain_all_takes_the_method_that_suits_the_score(model: Linear, x: np.ndarray) -> None:
    class Detector(Linear):
        def heads(self) -> list[Head]:
            return [Head("y", "boxes", "", "y", 1, "", BoxNumbers("boxes", 2))]

    asked = ClassTarget(0)
    for one, method in ((model, "gradcam"), (Detector(model.W), "hirescam")):
        found = [explain(one, x, asked), *explain_all(one, x, [asked])]
        assert [e.method for e in found] == [method, method]


def test_options_reach_the_method(model: Linear, x: np.ndarray) -> None:
    damped = explain(model, x, 0, "gradcam++", eps=1.0)
    assert np.all(damped.alpha < explain(model, x, 0, "gradcam++").alpha)


def test_rows_are_explanations(model: Linear, x: np.ndarray) -> None:
    e = explain(model, x, [0, 2], labels=LABELS)
    assert len(e) == len(list(e)) == 2
    for row, one in enumerate(e):
        assert len(one) == 1
        np.testing.assert_array_equal(one.map[0], e.map[row])
        assert (one.classes[0], one.labels[0]) == (e.classes[row], e.labels[row])
    np.testing.assert_array_equal(e[-1].map, e[1].map)
    with pytest.raises(IndexError):
        e[2]


def test_float16_is_combined_in_float32(model: Linear, x: np.ndarray) -> None:
    """sum_k alpha_k A^k would overflow float16."""
    (seen,) = capture(model, x, ClassTarget(0))
    half = Capture(
        "x",
        seen.logits,
        (2e4 * x).astype(np.float16),
        (8e3 * seen.gradients).astype(np.float16),
    )
    e = from_capture(half, ClassTarget(0))
    np.testing.assert_allclose(e.map, 1.6e8 * from_capture(seen, ClassTarget(0)).map, rtol=3e-3)


REFUSED = [
    ({"target": 3}, TargetError, "class 3 is out of range"),
    ({"target": "top:2"}, TargetError, "is 2 targets"),
    ({"target": [0, 1, 2]}, TargetError, "3 targets for a batch of 2"),
    ({"method": "gradcam+"}, InputError, r"no method 'gradcam\+'; did you mean gradcam"),
    ({"method": "zzz"}, InputError, "no method 'zzz'; there are gradcam, "),
    ({"layer": "z"}, LayerError, "no layer"),
]


@pytest.mark.parametrize(("asked", "error", "message"), REFUSED, ids=[m for *_, m in REFUSED])
def test_bad_questions_are_refused(asked, error, message, model, x) -> None:
    with pytest.raises(error, match=message):
        explain(model, x, **asked)


def test_a_model_that_was_not_opened_is_refused(x: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"a str is no backend: explain\(open_backend"):
        explain("model.onnx", x)


def test_the_callers_array_stays_his(model: Linear, x: np.ndarray) -> None:
    """What a look is given is his own memory, read-only to it: his he may write to."""
    given = []
    look = model.look
    model.look = lambda x, **how: given.append(x) or look(x, **how)  # type: ignore[method-assign]
    explain(model, x)
    assert x.flags.writeable
    (seen,) = given
    assert not seen.flags.writeable
    assert np.shares_memory(seen, x)


def test_nan_in_the_input_is_refused(model: Linear, x: np.ndarray) -> None:
    x[0, 0, 0, 0] = np.nan
    with pytest.raises(InputError, match="input 'x' holds NaN"):
        explain(model, x)
    with pytest.raises(InputError, match="input 'photo' holds NaN"):
        explain(model, {"photo": x})


def test_nan_in_the_weights_is_refused(model: Linear, x: np.ndarray) -> None:
    model.W[0, 0] = np.nan
    with pytest.raises(ModelError, match="layer 'x': NaN or inf in the score and the gradients"):
        explain(model, x, 0)


def test_what_is_doubtful_about_a_target_is_said(model: Linear, x: np.ndarray) -> None:
    class Doubted(ClassTarget):
        doubts = ("", "no box")

    look = model.look(x)
    captured = pulled(look, Doubted(0))
    plain = from_captures(captured, ClassTarget(0), "gradcam").diagnosis
    found = from_captures(captured, Doubted(0), "gradcam").diagnosis
    assert found == (plain[0], "; ".join(filter(None, ("no box", plain[1]))))


def test_of_a_layer_without_a_gradient_the_map_is_zero_by_every_method() -> None:
    """One zero that stands for all, or zeros: the same map, type and reason."""
    seen = linear.one([[1, 2], [3, 4]], [[0, 0], [0, 0]])
    thin = replace(seen, gradients=np.broadcast_to(np.float32(0), seen.gradients.shape))
    needing = {"gradients"}
    for method in (name for name, m in METHODS.items() if m.captured and m.needs == needing):
        expected, got = (from_capture(c, ClassTarget(0), method) for c in (seen, thin))
        for name in ("map", "signed", "alpha", "raw_max", "noise_floor"):
            a, b = getattr(expected, name), getattr(got, name)
            assert not np.any(b)
            assert (a.shape, a.dtype) == (b.shape, b.dtype)
        assert got.diagnosis == expected.diagnosis
        assert "exactly zero" in got.diagnosis[0]
