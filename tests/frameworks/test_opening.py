"""Keras models: files, models within models, closing activations, layouts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cam_core import LayerError, ModelError, explain, open_backend
from cam_core.errors import InputError, MissingExtraError

keras = pytest.importorskip("keras", reason="Keras is not installed")
from keras import layers  # noqa: E402

from backends.keras.hooks import layers_of  # noqa: E402


@pytest.fixture
def model() -> Any:
    keras.utils.set_random_seed(1)
    x = layers.Input((8, 9, 3), name="photo")
    inner_x = layers.Input((8, 9, 3))
    inner = keras.Model(
        inner_x, layers.ReLU(name="relu")(layers.Conv2D(4, 3, name="conv")(inner_x)), name="trunk"
    )
    h = layers.Conv2D(6, 3, activation="tanh", name="late")(inner(x))
    h = layers.GlobalAveragePooling2D(name="pool")(h)
    return keras.Model(x, layers.Dense(5, activation="softmax", name="head")(h), name="net")


@pytest.fixture
def x() -> Any:
    return np.random.default_rng(0).random((2, 8, 9, 3)).astype(np.float32)


def test_the_score_is_before_the_softmax(model: Any, x: Any) -> None:
    backend = open_backend(model)
    look = backend.look(x)
    expected = keras.ops.convert_to_numpy(model(x))
    e = np.exp(look.score - look.score.max(1, keepdims=True))
    np.testing.assert_allclose(e / e.sum(1, keepdims=True), expected, rtol=1e-5)
    np.testing.assert_allclose(look.outputs["head"], expected, rtol=1e-6)
    (head,) = backend.heads()
    assert (head.kind, head.probability, list(look.layers)) == ("classes", "softmax", ["late"])


def test_gradients_are_those_of_the_formula(model: Any, x: Any) -> None:
    look = open_backend(model).look(x, layers=["late", "trunk.relu"])
    G = look.pull(lambda y, _: np.eye(5)[[2, 4]]).layers
    w, _ = model.get_layer("head").weights
    w = keras.ops.convert_to_numpy(w.value)[:, [2, 4]].T / 20
    np.testing.assert_allclose(
        G["late"], np.broadcast_to(w[:, :, None, None], (2, 6, 4, 5)), rtol=1e-5
    )
    tail, A = look.tail("trunk.relu"), look.activations["trunk.relu"]
    D = np.random.default_rng(2).normal(size=A.shape).astype(np.float32)
    slope = ((tail(A + 1e-2 * D) - tail(A - 1e-2 * D)) / 2e-2 * np.eye(5)[[2, 4]]).sum()
    assert slope == pytest.approx((G["trunk.relu"] * D).sum(), rel=2e-2)  # float32 differences


def test_models_within_models_have_layers(model: Any) -> None:
    backend = open_backend(model)
    assert [layer.name for layer in backend.layers()] == [
        *("trunk.conv", "trunk.relu", "trunk", "late", "pool", "head")
    ]
    (info,) = backend.inputs()
    assert (info.name, info.shape, info.channel_axis) == ("photo", (None, 8, 9, 3), 3)


def test_the_model_is_left_as_it_was(model: Any, x: Any) -> None:
    before = {name: set(part.__dict__) for name, part in layers_of(model).items()}
    own = model.get_layer("head").activation
    backend = open_backend(model)
    backend.look(x)
    with pytest.raises(ValueError, match="shape"):
        backend.look(x[..., :2])
    assert all("call" not in part.__dict__ for part in layers_of(model).values())
    assert {name: set(part.__dict__) for name, part in layers_of(model).items()} == before
    assert model.get_layer("head").activation is own


def test_a_file_is_opened_by_its_ending(model: Any, x: Any, tmp_path: Path) -> None:
    model.save(tmp_path / "net.keras")
    mine, theirs = (explain(open_backend(m), x, 1) for m in (model, tmp_path / "net.keras"))
    np.testing.assert_allclose(mine.signed, theirs.signed, rtol=1e-5, atol=1e-7)
    (tmp_path / "bad.keras").write_text("no model")
    with pytest.raises(ModelError, match=r"Keras cannot read '.*bad\.keras'"):
        open_backend(tmp_path / "bad.keras")


def test_a_sequential_model_has_layers(x: Any) -> None:
    model = keras.Sequential(
        [
            layers.Input((8, 9, 3)),
            layers.Conv2D(4, 3, name="conv"),
            layers.GlobalMaxPooling2D(name="pool"),
            layers.Dense(1, name="logit"),
            layers.Activation("sigmoid", name="close"),
        ]
    )
    backend = open_backend(model)
    assert list(backend.look(x).layers) == ["conv"]
    assert backend.heads()[0].kind == "binary"
    with pytest.raises(LayerError, match="did you mean conv"):
        backend.look(x, layers=["conv1"])


def test_what_is_no_model_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="is no Keras model"):
        open_backend(layers.Dense(1))
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(MissingExtraError, match=r"cam-core\[keras\]"):
        open_backend([], backend="keras")
