"""A .tflite file where a model is named: converted, compared with its source, explained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cam_core import explain, open_backend
from cam_core.converted import conversion_of
from cam_core.errors import MissingExtraError, ModelError
from tests.commands.calls import call


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of one convolution, as TFLite's converter writes it."""
    keras = pytest.importorskip("keras", reason="Keras is not installed")
    tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
    pytest.importorskip("tf2onnx", reason="tf2onnx is not installed")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("TFLite is written by TensorFlow, and Keras runs on another")
    keras.utils.set_random_seed(2)
    x = keras.layers.Input((32, 32, 3))
    h = keras.layers.Conv2D(8, 3, activation="relu")(x)
    h = keras.layers.GlobalAveragePooling2D()(h)
    model = keras.Model(x, keras.layers.Dense(4)(h))
    path = tmp_path_factory.mktemp("models") / "net.tflite"
    path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    return path


@pytest.fixture
def photos(tmp_path: Path, rng: np.random.Generator) -> Path:
    from PIL import Image

    (tmp_path / "photos").mkdir()
    for i in range(6):
        pixels = rng.integers(0, 256, (32, 32, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{i}.png")
    return tmp_path / "photos"


pytestmark = pytest.mark.filterwarnings("ignore")  # TensorFlow's own


def test_it_gives_what_its_interpreter_gives(file: Path, rng: np.random.Generator) -> None:
    import tensorflow as tf

    x = rng.random((1, 32, 32, 3)).astype(np.float32)
    run = tf.lite.Interpreter(str(file))
    run.allocate_tensors()
    run.set_tensor(run.get_input_details()[0]["index"], x)
    run.invoke()
    expected = run.get_tensor(run.get_output_details()[0]["index"])
    backend: Any = open_backend(file)
    np.testing.assert_allclose(backend.look(x).score, expected, rtol=1e-4, atol=1e-5)
    assert explain(backend, x, 1).map.max() > 0
    assert conversion_of(backend.metadata)["parity"].startswith("the same to ")


def test_commands_take_it_and_say_how_far_it_is_apart(
    file: Path, photos: Path, tmp_path: Path
) -> None:
    call("convert", file, "-o", tmp_path / "net.onnx")
    done = call(
        *("compare", tmp_path / "net.onnx", file, photos),
        *("--preprocess", "unit", "-o", tmp_path / "out", "--json"),
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["verdict"]["word"] == "the same"
    note = "note: net.tflite as .onnx, by tf2onnx "
    assert note in done.stderr
    assert "the same to " in done.stderr
    for command in ("explain", "record"):
        done = call(command, file, photos, "--preprocess", "unit", "-o", tmp_path / command)
        assert done.exit_code == 0, done.output
        assert note in done.stderr


def test_one_that_computes_something_else_is_refused(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from converters import tflite
    from converters.parity import Seen

    wrong = Seen({"output": np.full((1, 4), 9.0, np.float32)})
    monkeypatch.setattr(tflite, "seen", lambda *_: wrong)
    with pytest.raises(ModelError, match=r"computes something else as \.onnx: output 'output' d"):
        open_backend(file)


def test_without_its_framework_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "tf2onnx" else found(name)
    )
    (tmp_path / "net.tflite").write_bytes(b"")
    with pytest.raises(MissingExtraError, match=r"not installed: pip install 'cam-core\[keras\]'"):
        open_backend(tmp_path / "net.tflite")
