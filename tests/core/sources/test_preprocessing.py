"""Where preprocessing and labels come from when no flag says it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest

from cam_core.backend import InputInfo
from cam_core.cli.options import settled
from cam_core.errors import InputError
from cam_core.image import Preprocess
from cam_core.sources.model_files import from_processor, from_timm
from cam_core.sources.preprocessing import Sources

RGB = InputInfo("x", ("N", 3, 224, 224), np.dtype("float32"), 1)
OPEN = InputInfo("x", ("N", 3, "h", "w"), np.dtype("float32"), 1)
VIT = {
    "image_processor_type": "ViTImageProcessor",
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.25, 0.25, 0.25],
    "resample": 3,
    "rescale_factor": 0.00392156862745098,
    "size": {"height": 224, "width": 224},
}
RESNET = {
    **VIT,
    "do_center_crop": True,
    "size": {"shortest_edge": 256},
    "crop_size": {"height": 224, "width": 224},
}
HALF, QUARTER = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
BASE: dict[str, Any] = {
    "mean": HALF,
    "std": QUARTER,
    "scale": VIT["rescale_factor"],
    "resample": "bicubic",
}
PROCESSORS = {  # expected fields, read off the image processors' documentation
    "stretch": (VIT, {"fit": "stretch", "size": (224, 224)}),
    "crop": (RESNET, {"fit": "crop", "size": (224, 224), "resize": 256}),
    "old crop": (
        {**VIT, "size": 256, "crop_size": 224, "do_center_crop": True},
        {"fit": "crop", "size": (224, 224), "resize": 256},
    ),
    "old stretch": ({**VIT, "size": 192}, {"fit": "stretch", "size": (192, 192)}),
    "stretch and cut": (  # DeiT
        {
            **VIT,
            "size": {"height": 256, "width": 256},
            "crop_size": 224,
            "do_center_crop": True,
        },
        {"fit": "stretch", "size": (224, 224), "resize": 256},
    ),
    "ConvNeXt": (
        {**VIT, "image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 224}},
        {"fit": "crop", "size": (224, 224), "resize": 256},
    ),
    "ConvNeXt 384": (
        {**VIT, "image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 384}},
        {"fit": "stretch", "size": (384, 384)},
    ),
    "blue first": ({**VIT, "do_flip_channel_order": True}, {"bgr": True, "fit": "stretch"}),
    "bytes": ({**VIT, "do_rescale": False}, {"scale": 1.0, "fit": "stretch"}),
    "twice": (
        {**VIT, "image_processor_type": "EfficientNetImageProcessor"},
        {"std": (0.0625,) * 3, "fit": "stretch"},
    ),
    "no mean": ({**VIT, "do_normalize": False}, {"mean": (0.0,), "std": (1.0,), "fit": "stretch"}),
}


class Model:
    """A backend of which only the metadata count."""

    def __init__(self, **metadata: str) -> None:
        self.metadata = metadata


@pytest.mark.parametrize("name", PROCESSORS)
def test_hugging_face_processors(name: str) -> None:
    config, expected = PROCESSORS[name]
    spec = from_processor(config)
    assert spec is not None
    for field, value in (BASE | expected).items():
        assert getattr(spec, field) == value, field


def test_a_tokenizer_is_no_image_processor() -> None:
    assert from_processor({"feature_extractor_type": "Wav2Vec2FeatureExtractor"}) is None


TIMM = {
    "mean": [0.5, 0.5, 0.5],
    "std": [0.25, 0.25, 0.25],
    "input_size": [3, 224, 224],
    "crop_pct": 0.95,
    "interpolation": "bicubic",
    "crop_mode": "center",
}


def test_timm() -> None:
    spec = from_timm({"architecture": "x", "pretrained_cfg": TIMM})
    # timm: floor(224 / 0.95) = 235
    expected = {**BASE, "scale": 1 / 255, "size": (224, 224), "resize": 235, "fit": "crop"}
    assert spec == Preprocess(**expected)
    squashed = from_timm({"pretrained_cfg": TIMM | {"crop_mode": "squash", "crop_pct": 1.0}})
    assert squashed is not None
    assert (squashed.fit, squashed.resize) == ("stretch", 224)
    assert from_timm({"architectures": ["ViT"]}) is None


def write(folder: Path, name: str, value: Any) -> None:
    text = value if isinstance(value, str) else json.dumps(value)
    (folder / name).write_text(text, encoding="utf-8")


def test_flags_go_before_metadata_before_files_before_a_guess(tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    cam = {"cam.preprocess": json.dumps({"mean": [1.0], "std": [2.0], "scale": 0.5})}
    yolo = {"names": "{0: 'cat', 1: 'dog'}", "imgsz": "[640, 640]", "stride": "32"}
    spec, source = Sources.of(Model(), model).preprocess(RGB, None)
    assert "a guess" in source
    assert spec.mean == (0.485, 0.456, 0.406)
    spec, source = Sources.of(Model(**yolo), model).preprocess(RGB, None)
    assert source.startswith("Ultralytics")
    assert (spec.fit, spec.scale, spec.mean) == ("letterbox", 1 / 255, (0.0,))
    write(tmp_path, "preprocessor_config.json", VIT)
    spec, source = Sources.of(Model(**yolo), model).preprocess(RGB, None)
    assert "preprocessor_config.json" in source
    assert spec.mean == HALF
    spec, source = Sources.of(Model(**yolo, **cam), model).preprocess(RGB, None)
    assert source.startswith("cam.*")
    assert (spec.mean, spec.std, spec.scale) == ((1.0,), (2.0,), 0.5)
    sources = Sources.of(Model(**yolo, **cam), model)
    spec, source = sources.preprocess(RGB, None, std=(4.0,))
    assert (spec.mean, spec.std) == ((1.0,), (4.0,))
    assert source == "cam.* metadata of the file with --std"
    spec, source = sources.preprocess(RGB, "tf")
    assert source == "--preprocess tf"
    assert spec.mean == (1.0,)


MEAN = "--mean --std, fractions: so of pixels 0..1; else give --rescale 1"
ALONE = {  # the flags: their scale, and what is said of it
    "of pixels 0..1": ({"mean": (0.485, 0.456, 0.406), "std": (0.229,)}, 1 / 255, MEAN),
    "half": ({"mean": (0.5,), "std": (0.5,)}, 1 / 255, MEAN),
    "of pixels 0..255": ({"mean": (123.7, 116.3, 103.5), "std": (58.4, 57.1, 57.4)}, 1, MEAN[:12]),
    "their own range": ({"mean": (0.5,), "std": (1.0,), "rescale": (1.0,)}, 1, "--mean --std --"),
    "no change": ({"mean": (0.0,), "std": (1.0,)}, 1, "--mean --std"),
}


@pytest.mark.parametrize("name", ALONE)
def test_a_mean_and_a_std_alone_say_their_range(name: str, tmp_path: Path) -> None:
    pieces, scale, said = ALONE[name]
    spec, source = Sources(tmp_path, {}).preprocess(RGB, None, **settled(pieces))
    assert (spec.mean, spec.std, spec.scale) == (pieces["mean"], pieces["std"], scale)
    assert source.startswith(said)
    assert ("pixels 0..1" in source) == (scale != 1)
    assert spec.margin == 256 / 224  # how the photo is cut stays the guess's


def test_a_size_from_a_file_is_for_open_inputs(tmp_path: Path) -> None:
    write(tmp_path, "preprocessor_config.json", RESNET)
    sources = Sources.of(Model(), tmp_path / "m.onnx")
    fixed, _ = sources.preprocess(RGB, None)
    assert (fixed.size, fixed.resize) == (None, 256)
    other = InputInfo("x", (1, 3, 112, 112), np.dtype("float32"), 1)
    half, _ = sources.preprocess(other, None)
    assert (half.size, half.resize) == (None, 128)
    free, _ = sources.preprocess(OPEN, None)
    assert (free.size, free.resize) == ((224, 224), 256)


def test_the_files_may_lie_above_a_folder_called_onnx(tmp_path: Path) -> None:
    (tmp_path / "onnx").mkdir()
    write(tmp_path, "config.json", {"id2label": {"0": "cat", "1": "dog"}})
    labels, named = Sources.of(Model(), tmp_path / "onnx" / "model.onnx").labels(None, 0, 2)
    assert labels is not None
    assert labels.names == ("cat", "dog")
    assert "config.json" in named


LABELS = {
    "Hugging Face": ({"id2label": {"1": "dog", "0": "cat"}}, ("cat", "dog")),
    "timm": (
        {"label_names": ["n1", "n2"], "label_descriptions": {"n1": "tench", "n2": "goldfish"}},
        ("tench", "goldfish"),
    ),
    "timm inside": ({"pretrained_cfg": {**TIMM, "label_names": ["a", "b"]}}, ("a", "b")),
    "nobody named them": ({"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}, None),
    "someone else's": ({"learning_rate": 0.1}, None),
}


@pytest.mark.parametrize("name", LABELS)
def test_labels_of_a_config(name: str, tmp_path: Path) -> None:
    config, expected = LABELS[name]
    write(tmp_path, "config.json", config)
    labels, _ = Sources.of(Model(), tmp_path / "m.onnx").labels(None, 0, 2)
    assert (None if labels is None else labels.names) == expected


def test_found_labels_of_another_length_are_left_out_and_said(tmp_path: Path) -> None:
    write(tmp_path, "config.json", {"id2label": {"0": "cat", "1": "dog"}})
    labels, named = Sources.of(Model(), tmp_path / "m.onnx").labels(None, 0, 10)
    assert labels is None
    assert "2 names for 10 classes" in named


def test_an_ultralytics_classifier_is_cropped() -> None:
    metadata = {"names": "['cat', 'dog']", "imgsz": "[224, 224]", "stride": "1", "task": "classify"}
    sources = Sources.of(Model(**metadata), Path("/none/m.onnx"))
    spec, _ = sources.preprocess(OPEN, None)
    assert spec == Preprocess(scale=1 / 255, size=(224, 224), fit="crop")
    labels, _ = sources.labels(None, 0, 2)
    assert labels is not None
    assert labels.names == ("cat", "dog")


def test_onnx_image_metadata_guide_the_guess() -> None:
    sources = Sources.of(
        Model(**{"Image.NominalPixelRange": "NominalRange_0_255"}), Path("/none/m.onnx")
    )
    spec, source = sources.preprocess(RGB, None)
    assert spec == Preprocess()
    assert "NominalRange_0_255" in source


BROKEN = {
    "no JSON": ("preprocessor_config.json", "{"),
    "no number": ("preprocessor_config.json", {**VIT, "image_mean": ["a", "b", "c"]}),
    "two means": ("preprocessor_config.json", {**VIT, "image_mean": [1, 2]}),
    "no side": ("preprocessor_config.json", {**VIT, "size": {"side": 3}}),
    "unknown filter": ("preprocessor_config.json", {**VIT, "resample": 9}),
    "border": ("config.json", {"pretrained_cfg": {**TIMM, "crop_mode": "border"}}),
    "no index": ("config.json", {"id2label": {"first": "cat"}}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_named(name: str, tmp_path: Path) -> None:
    file, value = BROKEN[name]
    write(tmp_path, file, value)
    with pytest.raises(InputError, match=file):
        _ = Sources.of(Model(), tmp_path / "m.onnx").said
    spec, _ = Sources.of(Model(), tmp_path / "m.onnx").preprocess(RGB, "unit")
    assert spec == Preprocess(scale=1 / 255)  # flags are enough


@pytest.mark.parametrize(
    "metadata",
    [
        {"cam.preprocess": "{"},
        {"cam.preprocess": '{"mean": [1, 2]}'},
        {"cam.preprocess": '{"colour": 1}'},
        {"cam.labels": "5"},
        {"names": "{0: open}", "imgsz": "[1, 1]", "stride": "1"},
        {"names": "{}", "imgsz": "[1, 1]", "stride": "1"},
    ],
    ids=str,
)
def test_broken_metadata_are_named(metadata: dict[str, str]) -> None:
    with pytest.raises(InputError, match="metadata of the file"):
        _ = Sources.of(Model(**metadata), Path("/none/m.onnx")).said


def test_colours_are_refused_where_no_picture_is_made() -> None:
    with pytest.raises(click.BadParameter, match="colours"):
        settled({"scale": "shared"})
