"""`gradcam explain` of several files: what is written is what Python says of the chain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from cam_core import explain
from cam_core.chain import Chain
from cam_core.cli.group import gradcam
from cam_core.cli.inputs.chained import pairs, split
from cam_core.errors import InputError
from cam_core.image import PRESETS, preprocess

pytest.importorskip("torch")
pytest.importorskip("onnxruntime")

from tests.core.chain.pairs import prompts, segmenter


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chained")
    segmenter(folder)
    pixels = np.random.default_rng(3).integers(0, 256, (48, 64, 3), np.uint8)
    Image.fromarray(pixels).save(folder / "photo.png")
    for name, array in prompts().items():
        np.save(folder / f"{name}.npy", array)
    return folder


def call(place: Path, *given: str) -> Result:
    prompted = [f"--input={name}={place / name}.npy" for name in prompts()]
    models = [str(place / "encoder.onnx"), str(place / "decoder.onnx")]
    words = ["explain", *models, str(place / "photo.png"), "--preprocess=unit", *prompted]
    return CliRunner().invoke(gradcam, [*words, "-o", str(place / "out"), *given])


def python(place: Path) -> Any:
    chain = Chain([place / "encoder.onnx", place / "decoder.onnx"], score="low_res_masks")
    pixels = np.asarray(Image.open(place / "photo.png"))
    image = preprocess(pixels, PRESETS["unit"], chain.inputs()[0]).x
    return explain(chain, {"image": image, **prompts()}, 1)


@pytest.mark.parametrize("connect", [(), ("image_embeddings", "high_res_feats=high_res_feats")])
def test_an_encoder_and_its_decoder(place: Path, connect: tuple[str, ...]) -> None:
    asked = [f"--connect={text}" for text in connect]
    done = call(place, *asked, "--score=low_res_masks", "--target=1", "--json")
    assert done.exit_code == 0, done.output
    (record,) = json.loads(done.output)["explanations"]
    expected = python(place)
    written = np.load(place / "out" / "photo.1.gradcam.npy")
    np.testing.assert_allclose(written, expected.map[0], rtol=1e-4, atol=1e-6)
    assert record["score"] == pytest.approx(float(expected.score[0]), rel=1e-4)
    assert (record["layer"], record["input"]) == (expected.layer, "image")
    assert record["chain"] == ["encoder", "decoder"]
    assert [Path(one).name for one in record["model"].split(", ")] == [
        "encoder.onnx",
        "decoder.onnx",
    ]
    assert len(record["model_sha256"].split(", ")) == 2
    assert (place / "out" / "photo.1.gradcam.png").exists()


def test_what_is_not_connected_is_asked_for(place: Path) -> None:
    done = call(place, "--connect=image_embeddings")
    assert done.exit_code == 2
    assert "the model takes 4 inputs, nothing is given for 'image', 'high_res_feats'" in done.output


def test_models_stand_before_photos() -> None:
    files = [Path("b.onnx"), Path("photo.png")]
    assert split("a.onnx", files) == (["a.onnx", "b.onnx"], [Path("photo.png")])
    for model, given in (("photo.png", files), ("a.onnx", files[::-1])):
        with pytest.raises(InputError, match="the model comes first"):
            split(model, given)


def test_pairs_are_read() -> None:
    assert pairs([]) is None
    assert pairs(["a", "b=c", "one:d=two:e"]) == {"a": "a", "b": "c", "one:d": "two:e"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["=b"], "write OUTPUT=INPUT"),
        (["a="], "write OUTPUT=INPUT"),
        (["a", "a=b"], "'a' is given twice"),
        (["one:a"], "says both ends: a:OUTPUT=b:INPUT"),
    ],
)
def test_what_is_no_pair_is_refused(given: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        pairs(given)


def test_one_model_is_connected_with_nothing(place: Path) -> None:
    words = ["explain", str(place / "encoder.onnx"), str(place / "photo.png"), "--connect=a"]
    done = CliRunner().invoke(gradcam, words)
    assert done.exit_code == 2
    assert "joins two models, and there is one" in done.output
