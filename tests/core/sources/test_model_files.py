"""What files beside a model say: processors of Hugging Face, timm's configs, broken ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cam_core.errors import InputError
from cam_core.image import Preprocess
from cam_core.sources.model_files import from_processor, from_timm
from cam_core.sources.preprocessing import Sources
from tests.core.sources.configs import HALF, QUARTER, RESNET, RGB, TIMM, VIT, Model, write

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


@pytest.mark.parametrize("name", PROCESSORS)
def test_hugging_face_processors(name: str) -> None:
    config, expected = PROCESSORS[name]
    spec = from_processor(config)
    assert spec is not None
    for field, value in (BASE | expected).items():
        assert getattr(spec, field) == value, field


def test_a_tokenizer_is_no_image_processor() -> None:
    assert from_processor({"feature_extractor_type": "Wav2Vec2FeatureExtractor"}) is None


def test_timm() -> None:
    spec = from_timm({"architecture": "x", "pretrained_cfg": TIMM})
    # timm: floor(224 / 0.95) = 235
    expected = {**BASE, "scale": 1 / 255, "size": (224, 224), "resize": 235, "fit": "crop"}
    assert spec == Preprocess(**expected)
    squashed = from_timm({"pretrained_cfg": TIMM | {"crop_mode": "squash", "crop_pct": 1.0}})
    assert squashed is not None
    assert (squashed.fit, squashed.resize) == ("stretch", 224)
    assert from_timm({"architectures": ["ViT"]}) is None


def test_the_files_may_lie_above_a_folder_called_onnx(tmp_path: Path) -> None:
    (tmp_path / "onnx").mkdir()
    write(tmp_path, "config.json", {"id2label": {"0": "cat", "1": "dog"}})
    labels, named = Sources.of(Model(), tmp_path / "onnx" / "model.onnx").labels(2)
    assert labels is not None
    assert labels.names == ("cat", "dog")
    assert "config.json" in named


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
        _ = Sources.of(Model(), tmp_path / "m.onnx").stated
    spec, _ = Sources.of(Model(), tmp_path / "m.onnx").preprocess(RGB, "unit")
    assert spec == Preprocess(scale=1 / 255)  # flags are enough
