"""From a model to an explanation; what an explanation shows, says and saves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from cam_core.backend import Capture
from cam_core.errors import InputError, LayerError, ModelError, TargetError
from cam_core.explain import explain, explain_all, from_capture
from cam_core.explanation import Explanation
from cam_core.maps.combine import heatmap
from cam_core.targets import ClassTarget, ProbabilityTarget

LABELS = ["ant", "bee", "cat"]


@dataclass
class Linear:
    """y^c = mean_S sum_k W_ck x^k: at layer 'x' the gradient is known by hand."""

    W: np.ndarray
    passes: int = 0

    def capture(
        self,
        x: np.ndarray | Mapping[str, np.ndarray],
        target: object,
        *,
        layers: Sequence[str] | None = None,
        input_gradients: bool = False,
    ) -> list[Capture]:
        if layers is not None and list(layers) not in (["x"], ["2x"], ["x", "2x"]):
            raise LayerError(f"no layer {layers}")
        self.passes += 1
        logits = np.mean(x, axis=(2, 3)) @ self.W.T
        G = np.ones_like(x) * (target(logits, {"y": logits}) @ self.W)[:, :, None, None]
        G = G / np.prod(x.shape[2:])
        both = {"x": Capture("x", logits, x, G), "2x": Capture("2x", logits, 2 * x, G / 2)}
        return [both[name] for name in layers or ["x"]]


@pytest.fixture
def x(rng: np.random.Generator) -> np.ndarray:
    return rng.random((2, 4, 3, 5)).astype(np.float32)


@pytest.fixture
def model(rng: np.random.Generator) -> Linear:
    return Linear(rng.random((3, 4)).astype(np.float32))


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


def test_explain_all_takes_one_pass_a_target(model: Linear, x: np.ndarray) -> None:
    found = explain_all(model, x, ["top:2", 0], ["gradcam", "hirescam"], layers=["x", "2x"])
    assert model.passes == 3
    assert [(e.target, e.layer, e.method) for e in found] == [
        (target, layer, method)
        for target in ("top:1", "top:2", "0")
        for layer in ("x", "2x")
        for method in ("gradcam", "hirescam")
    ]


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
    capture = model.capture(x, ClassTarget(0))[0]
    half = Capture(
        "x",
        capture.logits,
        (2e4 * x).astype(np.float16),
        (8e3 * capture.gradients).astype(np.float16),
    )
    e = from_capture(half, ClassTarget(0))
    np.testing.assert_allclose(e.map, 1.6e8 * from_capture(capture, ClassTarget(0)).map, rtol=3e-3)


REFUSED = [
    ({"target": 3}, TargetError, "class 3 is out of range"),
    ({"target": "top:2"}, TargetError, "is 2 targets"),
    ({"target": [0, 1, 2]}, TargetError, "3 targets for a batch of 2"),
    ({"method": "gradcam+"}, InputError, r"no method 'gradcam\+'; there are gradcam, "),
    ({"layer": "z"}, LayerError, "no layer"),
]


@pytest.mark.parametrize(("asked", "error", "message"), REFUSED, ids=[m for *_, m in REFUSED])
def test_bad_questions_are_refused(asked, error, message, model, x) -> None:
    with pytest.raises(error, match=message):
        explain(model, x, **asked)


def test_a_model_that_was_not_opened_is_refused(x: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"a str is no backend: explain\(open_backend"):
        explain("model.onnx", x)


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


def one(A: object, G: object, y: Sequence[float] = (1.0, 2.0)) -> Capture:
    """A capture of one row and a 1-D space, channels first."""
    return Capture("x", *(np.array([v], np.float32) for v in (y, A, G)))


DIAGNOSES = [  # capture, target, reason, whether the map is blank
    (one([[1, 2]], [[1, 1]]), ClassTarget(0), "", False),
    (one([[1, 2]], [[0, 0]]), ClassTarget(0), "gradient is exactly zero", True),
    (one([[0, 0]], [[1, 1]]), ClassTarget(0), "every activation of this layer is zero", True),
    (one([[1, 2]], [[1, -1]]), ClassTarget(0), "every weight is: it cancels", True),
    (one([[1, 2]], [[-1, -1]]), ClassTarget(0), "every weighted value is negative", True),
    (one([[1, 1], [1, 1]], [[1, 1], [-1, -1 + 1e-7]]), ClassTarget(0), "rounding noise", True),
    (one([[1, 2]], [[0, 0]], (0, 1)), ClassTarget(1), "it looks like a probability, 1;", True),
    (one([[1, 2]], [[1e-9, 0]], (0, 30)), ProbabilityTarget(1), "score saturated", False),
    (one([[1, 2]], [[0, 0]], (0, 300)), ProbabilityTarget(1), "the probability is 1;", True),
]


@pytest.mark.parametrize(("capture", "target", "reason", "blank"), DIAGNOSES)
def test_diagnosis(capture: Capture, target: object, reason: str, blank: bool) -> None:
    e = from_capture(capture, target)
    assert reason in e.diagnosis[0]
    assert bool(e.diagnosis[0]) == bool(reason)
    assert e.blank.tolist() == [blank]
    assert bool(e.heatmap().any()) is not blank


def test_a_map_without_space_is_its_sum() -> None:
    """A layer [N, K], and no rows at all as from a gated model."""
    A, G = np.array([[1.0, 2], [3, 4]]), np.array([[1.0, 1], [1, -1]])
    e = from_capture(Capture("fc", np.ones((2, 3)), A, G), ClassTarget(0))
    assert e.signed.tolist() == [3, -1]
    assert e.raw_max.tolist() == [3, 0]
    assert len(from_capture(Capture("fc", np.ones((0, 3)), A[:0], G[:0]), ClassTarget(0))) == 0


def test_a_broken_row_leaves_the_others(model: Linear, x: np.ndarray) -> None:
    capture = model.capture(x, ClassTarget(0))[0]
    capture.activations[1, 0, 0, 0] = np.inf
    e = from_capture(capture, ClassTarget(0))
    assert e.diagnosis[0] == ""
    assert "NaN or inf in the activations" in e.diagnosis[1]
    assert e.heatmap()[0].max() > 0.99
    assert not e.heatmap()[1].any()


def test_heatmap_has_the_asked_size(model: Linear, x: np.ndarray) -> None:
    e = explain(model, x, 0)
    assert e.heatmap().shape == (2, 3, 5)
    np.testing.assert_array_equal(e.heatmap((30, 40)), heatmap(e.map, (30, 40)))


def zero_row() -> Explanation:
    return from_capture(
        Capture("x", np.ones((1, 2)), np.ones((1, 2, 3, 3)), np.zeros((1, 2, 3, 3))), ClassTarget(0)
    )


def test_overlay_paints_one_row(model: Linear, x: np.ndarray) -> None:
    from cam_core.image import overlay

    photo = np.full((30, 50, 3), 128, np.uint8)
    e = explain(model, x, 0)
    expected = overlay(photo, heatmap(e.map[:1], (30, 50))[0])
    np.testing.assert_array_equal(e[0].overlay(photo), expected)
    with pytest.raises(InputError, match="2 rows: index one first"):
        e.overlay(photo)


def test_a_zero_map_leaves_the_photo_alone() -> None:
    photo = np.full((30, 30, 3), 128, np.uint8)
    np.testing.assert_array_equal(zero_row().overlay(photo), photo)


def test_save_writes_each_row(model: Linear, x: np.ndarray, tmp_path: Path) -> None:
    from PIL import Image

    e = explain(model, x, "cat", labels=LABELS)
    paths = e.save(tmp_path / "new", "dog")
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == sorted(p.name for p in paths)
    assert len(paths) == 8
    np.testing.assert_array_equal(np.load(tmp_path / "new" / "dog.1.npy"), e.map[1])
    np.testing.assert_array_equal(np.load(tmp_path / "new" / "dog.1.signed.npy"), e.signed[1])
    facts = json.loads((tmp_path / "new" / "dog.1.json").read_text())
    assert (facts["class"], facts["label"], facts["layer"]) == (2, "cat", "x")
    assert facts["raw_max"] == pytest.approx(e.map[1].max())
    photo = np.full((12, 20, 3), 50, np.uint8)
    e[1].save(tmp_path, image=photo)
    with Image.open(tmp_path / "cam.png") as picture:
        np.testing.assert_array_equal(np.array(picture), e[1].overlay(photo))


def test_save_leaves_nothing_half_written(
    model: Linear, x: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_bytes

    def full_disk(path: Path, content: bytes) -> int:
        if ".json" in path.name:
            raise OSError(28, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(InputError, match="No space left on device"):
        explain(model, x[:1]).save(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_notebook_shows_the_map_or_the_reason(model: Linear, x: np.ndarray) -> None:
    from PIL import Image

    e = explain(model, x[:1], 0)
    with Image.open(BytesIO(e._repr_png_())) as picture:
        assert picture.size == (5 * 44, 3 * 44)
    assert "<img" in e._repr_html_()
    assert zero_row()._repr_png_() is None
    assert "<img" not in zero_row()._repr_html_()
    assert "gradient is exactly zero" in zero_row()._repr_html_()
    assert repr(e).startswith("<gradcam of 0 at x: 3x5, score ")
    assert repr(explain(model, x[:1], 0, labels=["cat", "dog"])).startswith(
        "<gradcam of 0 (cat) at "
    )
    rows = explain(model, x, [0, 1])
    assert repr(rows).startswith("<gradcam of 0,1 at ")
    assert [repr(row)[:20] for row in rows] == ["<gradcam of 0,1 (0) ", "<gradcam of 0,1 (1) "]
