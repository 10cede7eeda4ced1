"""Methods on shuffled weights: one that reads the picture alone is found out."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core import explain, open_backend
from cam_core.demo import LABELS, MODEL, load_scenes
from cam_core.errors import ModelError
from cam_core.image import PRESETS, preprocess
from cam_core.methods import METHODS, Method
from cam_core.metrics.sanity import cascade
from cam_core.ranking import checked
from cam_core.ranking.sanity import Question
from cam_core.targets.classes.one_class import ClassTarget

pytest.importorskip("onnxruntime")
Array = np.ndarray
NAMES = LABELS.read_text(encoding="utf-8").splitlines()


def brightness(X: Array) -> Array:
    """Of the picture, whatever the model is."""
    return np.mean(X, axis=1)


def test_a_method_that_reads_the_picture_alone_is_indifferent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = Method(brightness, "", "", needs=frozenset(), gives="map", at="input")
    monkeypatch.setitem(METHODS, "brightness", row)
    backend = open_backend(MODEL.read_bytes())
    methods, questions = ["gradcam", "brightness"], []
    for scene in load_scenes():
        x = preprocess(scene.pixels(), PRESETS["unit"], backend.inputs()[0]).x
        target = ClassTarget(NAMES.index(scene.things[0].label))
        signed = {m: explain(backend, x, target, m).signed for m in methods}
        questions.append(Question(x, target, signed))
    found = checked(backend, questions, methods)
    assert found["brightness"].verdict == "indifferent"
    np.testing.assert_allclose(found["brightness"].similarity, 1)
    assert found["gradcam"].verdict != "indifferent"
    for i, one in enumerate(questions):  # the last step of the whole cascade
        whole = cascade(backend, lambda b, one=one: explain(b, one.x, one.target).signed, steps=1)
        assert found["gradcam"].similarity[0, i] == pytest.approx(whole.similarity[0, 0], abs=1e-6)


def test_a_method_without_a_map_has_no_similarity() -> None:
    backend = open_backend(MODEL.read_bytes())
    x = np.random.default_rng(0).random((1, 3, 128, 128), dtype=np.float32)
    found = checked(backend, [Question(x, ClassTarget(0), {})], ["gradcam"])
    assert np.isnan(found["gradcam"].similarity).all()
    assert found["gradcam"].verdict == "unclear"


def test_without_weights_there_is_no_check() -> None:
    with pytest.raises(ModelError, match="weights"):
        checked(object(), [], ["gradcam"])  # type: ignore[arg-type]
