"""A mistake: which classes it is about, and that the maps of its questions belong together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core import explain_all, open_backend
from cam_core.demo import LABELS, MODEL, PREPROCESS, load_scenes
from cam_core.errors import TargetError
from cam_core.head import BoxNumbers, Head
from cam_core.image import PRESETS, preprocess
from cam_core.targets import Asking, Seen, parse_target

NAMES = ["ant", "bee", "cat"]
Y = np.float32([[0.5, 3.0, 1.0]])


def found(text: str, y: Any = Y, head: Head | None = None) -> list[Any]:
    (question,) = parse_target(text, NAMES, head=head)
    return list(question.found_in(Seen(y, asking=Asking(NAMES, 1, head))))


def test_predicted_true_and_difference() -> None:
    each = found("versus:cat")
    assert [float(target.score(Y)[0]) for target in each] == [3.0, 1.0, 2.0]
    slopes = [[0, 1, 0], [0, 0, 1], [0, 1, -1]]
    np.testing.assert_array_equal([target(Y)[0] for target in each], slopes)


def test_rows_with_one_top_class_are_asked_together() -> None:
    assert len(found("versus:cat", np.concatenate([Y, 2 * Y]))) == 3


BOXES = Head("y", "boxes", "", "y", 1, "Sigmoid", BoxNumbers("boxes", 2))
ERRORS = [
    ("versus:bee", Y, None, "there is no mistake, the model says 'bee'"),
    ("versus:9", Y, None, "class 9 is out of range"),
    ("versus:cat", np.concatenate([Y, Y[:, ::-1] + [[9, 0, 0]]]), None, "asked one by one"),
    ("versus:cat", Y, Head("y", "regression", "", "y"), "and the model gives regression"),
    ("versus:cat", Y[..., None], BOXES, "and the model gives boxes"),
]


@pytest.mark.parametrize(("text", "y", "head", "words"), ERRORS, ids=[e[-1][:20] for e in ERRORS])
def test_what_is_no_mistake_is_refused(text: str, y: Any, head: Any, words: str) -> None:
    with pytest.raises(TargetError, match=words):
        found(text, y, head)


def test_before_anything_is_run() -> None:
    (question,) = parse_target("versus:3")
    with pytest.raises(TargetError, match="the score has 3 classes"):
        question.require(3)
    with pytest.raises(TargetError, match=r"a file takes two classes \(7-3\)"):
        question(Y)


@pytest.mark.parametrize("method", ["gradcam", "hirescam"])
def test_the_difference_is_that_of_both_maps(method: str) -> None:
    """Both methods are linear in the gradient."""
    backend, labels = open_backend(MODEL.read_bytes()), LABELS.read_text().splitlines()
    x = preprocess(load_scenes()[0].pixels(), PRESETS[PREPROCESS], backend.inputs()[0]).x
    y = backend.forward(x)["logits"][0]
    true = int(np.argsort(-y)[1])
    p, t, d = explain_all(backend, x, [f"versus:{labels[true]}"], [method], labels=labels)
    np.testing.assert_allclose(d.signed, p.signed - t.signed, atol=1e-5 * np.abs(p.signed).max())
    np.testing.assert_allclose(d.score, y.max() - y[true], rtol=1e-5)
