"""Which class the file explains, seen from outside by onnxruntime alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backends.onnx import OnnxBackend, instrument
from cam_core.errors import InputError
from cam_core.maps.combine import positive
from tests.instrumenting.nets import C, K, by_numpy, images, logits, net, weights
from tests.sessions import open_session, run

TARGETS = [  # target, cam_class, the class of each of 3 rows
    ("input", [0, 3, 2], [0, 3, 2]),
    ("input", [4], [4, 4, 4]),
    ("input", [-1], None),
    ("input", [-1, 1, -1], [None, 1, None]),
    ("top:1", None, None),
    (3, None, [3, 3, 3]),
    (np.int64(3), None, [3, 3, 3]),
    ("2", None, [2, 2, 2]),
    ("Zebra", None, [1, 1, 1]),
]


@pytest.mark.parametrize(("target", "given", "expected"), TARGETS, ids=str)
def test_target(target: Any, given: Any, expected: Any) -> None:
    x = images(3)
    y = logits(x)
    top = y.argmax(axis=1)
    classes = [top[i] if expected is None or expected[i] is None else expected[i] for i in range(3)]
    made = instrument(
        net(),
        target=target,
        outputs=["map", "signed", "score", "class_used"],
        labels=["dog", "zebra", "cat", "ox", "bee"],
    )
    assert [i.name for i in made.graph.input][1:] == ([] if given is None else ["cam_class"])
    found = run(made, x=x, **({} if given is None else {"cam_class": np.array(given)}))
    signed = by_numpy(x, classes)[3]
    axis = (lambda v: v[:, None]) if target == "top:1" else (lambda v: v)
    np.testing.assert_allclose(found["cam_signed"], axis(signed), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found["cam_map"], axis(positive(signed)), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found["cam_score"], axis(y[range(3), classes]))
    np.testing.assert_array_equal(found["cam_class_used"], axis(np.array(classes)))


def test_top_3_has_an_axis_for_the_classes() -> None:
    x, names = images(2), ["map", "gradients", "alpha", "score", "class_used", "input_gradients"]
    found = run(instrument(net(), target="top:3", outputs=names), x=x)
    y = logits(x)
    order = np.argsort(-y, axis=1)[:, :3]
    np.testing.assert_array_equal(found["cam_class_used"], order)
    np.testing.assert_array_equal(found["cam_score"], np.take_along_axis(y, order, axis=1))
    for rank in range(3):
        _, G, alpha, signed = by_numpy(x, order[:, rank])
        np.testing.assert_allclose(found["cam_gradients"][:, rank], G, rtol=1e-5)
        np.testing.assert_allclose(found["cam_alpha"][:, rank], alpha[..., 0, 0], rtol=1e-5)
        np.testing.assert_allclose(
            found["cam_map"][:, rank], positive(signed), rtol=1e-5, atol=1e-6
        )
    assert found["cam_input_gradients"].shape == (2, 3, 3, 8, 12)


def test_gradients_have_their_closed_form() -> None:
    """At the last map: G = w3[c, k] / (h w), for any class."""
    x = images(3)
    found = run(
        instrument(net(), outputs=["gradients", "alpha"]), x=x, cam_class=np.array([1, 0, 4])
    )
    expected = weights()["w3"][[1, 0, 4]]
    np.testing.assert_allclose(found["cam_alpha"], expected / (2 * 4), rtol=1e-6)
    np.testing.assert_allclose(
        found["cam_gradients"],
        np.broadcast_to(expected[:, :, None, None] / 8, (3, K, 2, 4)),
        rtol=1e-6,
    )


def test_a_cotangent_may_be_anything(rng: np.random.Generator) -> None:
    x, cotangent = images(3), rng.normal(size=(3, C)).astype(np.float32)
    made = instrument(net(), target="cotangent", outputs=["gradients"], layer="early")
    found = run(made, x=x, cam_cotangent=cotangent)
    (expected,) = OnnxBackend(net()).capture(x, lambda y, _: cotangent, layers=["early"])
    np.testing.assert_allclose(found["cam_gradients"], expected.gradients, rtol=1e-5, atol=1e-7)
    with pytest.raises(InputError, match="needs a class"):
        instrument(net(), target="cotangent", outputs=["score"])


@pytest.mark.parametrize("opset", [7, 10, 11, 13])
@pytest.mark.parametrize(
    "given", [[C], [0, C + 7, 1], [-2], [0, -1, -5], [0, 1], [0, 1, 2, 3]], ids=str
)
def test_the_runtime_refuses_what_does_not_fit(opset: int, given: list[int]) -> None:
    """A class out of range, or classes for another number of rows than 3."""
    session = open_session(instrument(net(opset), outputs=["map"]))
    with pytest.raises(Exception, match="ONNXRuntimeError"):
        session.run(None, {"x": images(3), "cam_class": np.array(given)})
    if len(given) > 1:
        with pytest.raises(Exception, match="ONNXRuntimeError"):
            session.run(None, {"x": images(1), "cam_class": np.array([0] * len(given))})
