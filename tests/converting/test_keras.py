"""Keras models, SavedModels and TFLite files as .onnx, float and int8."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from cam_core import explain, open_backend
from cam_core.converted import CONVERTED
from cam_core.errors import ModelError
from converters import keras as of_keras
from converters import tflite as of_tflite
from converters.check import check
from converters.finish import hash_of

keras = pytest.importorskip("keras", reason="Keras is not installed")
tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
pytest.importorskip("tf2onnx", reason="tf2onnx is not installed")
if keras.backend.backend() != "tensorflow":
    pytest.skip("tf2onnx reads TensorFlow, and Keras runs on another", allow_module_level=True)
pytestmark = pytest.mark.filterwarnings("ignore")  # TensorFlow's own


@pytest.fixture(scope="module")
def model() -> Any:
    keras.utils.set_random_seed(1)
    x = keras.layers.Input((16, 16, 3), name="photo")
    h = keras.layers.Conv2D(8, 3, use_bias=False, name="c1")(x)
    h = keras.layers.BatchNormalization(name="bn")(h)
    h = keras.layers.ReLU(6.0, name="r1")(h)
    h = keras.layers.DepthwiseConv2D(3, strides=2, name="dw")(h)
    h = keras.layers.Conv2D(8, 1, activation="relu", name="c2")(h)
    h = keras.layers.GlobalAveragePooling2D(name="gap")(h)
    return keras.Model(x, keras.layers.Dense(5, activation="softmax", name="head")(h), name="net")


@pytest.fixture(scope="module")
def files(model: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The model in every format."""
    folder = tmp_path_factory.mktemp("models")
    model.save(folder / "net.keras")
    model.export(folder / "saved", verbose=False)
    (folder / "net.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    made = tf.lite.TFLiteConverter.from_keras_model(model)
    made.optimizations = [tf.lite.Optimize.DEFAULT]
    rng = np.random.default_rng(0)
    made.representative_dataset = lambda: (
        [rng.random((1, 16, 16, 3)).astype(np.float32)] for _ in range(8)
    )
    made.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    made.inference_input_type = made.inference_output_type = tf.int8
    (folder / "int8.tflite").write_bytes(made.convert())
    found = [folder / name for name in ("net.keras", "saved", "net.tflite", "int8.tflite")]
    return {path.name: path for path in found}


CONVERTERS = {
    "net.keras": of_keras.to_onnx,
    "saved": of_keras.to_onnx,
    "net.tflite": of_tflite.to_onnx,
    "int8.tflite": of_tflite.to_onnx,
}


@pytest.mark.parametrize("name", CONVERTERS)
def test_every_format_computes_the_same(name: str, files: dict[str, Path], tmp_path: Path) -> None:
    metadata = {"cam.labels": list("abcde")}
    path, parity = CONVERTERS[name](files[name], tmp_path / "net.onnx", metadata=metadata)
    assert parity is not None
    assert parity.same
    props = {e.key: json.loads(e.value) for e in onnx.load(str(path)).metadata_props}
    assert props["cam.labels"] == list("abcde")
    assert props[CONVERTED]["sha256"] == hash_of(files[name])
    assert check(files[name], path, tolerance=2e-2 if "int8" in name else None).same


def test_the_map_is_that_of_the_source(model: Any, files: dict[str, Path], tmp_path: Path) -> None:
    path, _ = of_keras.to_onnx(files["net.keras"], tmp_path / "net.onnx")
    x = np.random.default_rng(2).random((2, 16, 16, 3)).astype(np.float32)
    mine, theirs = explain(open_backend(path), x, 1), explain(open_backend(model), x, 1)
    assert theirs.layer == "c2"
    scale = np.abs(theirs.signed).max()
    np.testing.assert_allclose(mine.signed, theirs.signed, rtol=0, atol=1e-4 * scale)


def test_what_differs_is_named_in_both_directions(model: Any, tmp_path: Path) -> None:
    """A source whose third layer is another one than in the file."""
    path, _ = of_keras.to_onnx(model, tmp_path / "net.onnx")
    other = keras.models.clone_model(model)
    other.set_weights(model.get_weights())
    kernel = other.get_layer("dw").weights[0]
    kernel.assign(2 * kernel.value)
    other.save(tmp_path / "other.keras")
    found = check(tmp_path / "other.keras", path)
    assert not found.same
    assert found.there == "dw"
    assert "dw" in found.back


def test_constants_and_grouped_convolutions_are_held(tmp_path: Path) -> None:
    """What tf2onnx by itself leaves as inputs, and as functions of XLA's."""
    keras.utils.set_random_seed(2)
    x = keras.layers.Input((12, 12, 3), name="photo")
    h = keras.layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2, 3], name="norm")(x)
    h = keras.layers.Conv2D(8, 3, name="c1")(h)
    h = h + keras.layers.Conv2D(8, 3, groups=8, padding="same", name="grouped")(h)
    h = keras.layers.Activation("gelu", name="gelu")(h)  # by Erfc, which ONNX does not have
    h = keras.layers.GlobalAveragePooling2D(name="gap")(h)
    model = keras.Model(x, keras.layers.Dense(5, name="head")(h))
    path, parity = of_keras.to_onnx(model, tmp_path / "net.onnx")
    assert parity is not None
    assert parity.same
    assert [i.name for i in onnx.load(str(path)).graph.input] == ["photo"]
    photo = np.random.default_rng(0).random((1, 12, 12, 3)).astype(np.float32)
    mine, theirs = explain(open_backend(path), photo, 1), explain(open_backend(model), photo, 1)
    assert theirs.layer == "gelu"
    assert "add" in {layer.name for layer in open_backend(model).layers()}  # an operator's
    scale = np.abs(theirs.signed).max()
    np.testing.assert_allclose(mine.signed, theirs.signed, rtol=0, atol=1e-4 * scale)


def test_what_cannot_be_read_is_said(files: dict[str, Path], tmp_path: Path) -> None:
    bad = tmp_path / "bad.keras"
    bad.write_text("no model")
    with pytest.raises(ModelError, match="Keras cannot read"):
        of_keras.to_onnx(bad, tmp_path / "a.onnx")
    with pytest.raises(ModelError, match="is no TFLite model"):
        of_tflite.to_onnx(bad, tmp_path / "a.onnx")
    with pytest.raises(ModelError, match="no SavedModel"):
        of_keras.to_onnx(tmp_path, tmp_path / "a.onnx")
    assert not (tmp_path / "a.onnx").exists()
