"""Where preprocessing and labels come from when no flag says it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from cam_core.backend import InputInfo
from cam_core.cli.typed import Typed, flag, pieces
from cam_core.errors import InputError
from cam_core.head import BoxNumbers, Head, OwnClass
from cam_core.image import Preprocess
from cam_core.sources.preprocessing import Sources
from tests.core.sources.configs import HALF, RESNET, RGB, VIT, Model, write

OPEN = InputInfo("x", ("N", 3, "h", "w"), np.dtype("float32"), 1)


def test_flags_go_before_metadata_before_files_before_a_guess(tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    cam = {"cam.preprocess": json.dumps({"mean": [1.0], "std": [2.0], "scale": 0.5})}
    yolo = {"names": "{0: 'cat', 1: 'dog'}", "imgsz": "[640, 640]", "stride": "32"}
    spec, source = Sources.of(Model(), model, flag).preprocess(RGB, None)
    assert "a guess" in source
    assert spec.mean == (0.485, 0.456, 0.406)
    spec, source = Sources.of(Model(**yolo), model, flag).preprocess(RGB, None)
    assert source.startswith("Ultralytics")
    assert (spec.fit, spec.scale, spec.mean) == ("letterbox", 1 / 255, (0.0,))
    write(tmp_path, "preprocessor_config.json", VIT)
    spec, source = Sources.of(Model(**yolo), model, flag).preprocess(RGB, None)
    assert "preprocessor_config.json" in source
    assert spec.mean == HALF
    spec, source = Sources.of(Model(**yolo, **cam), model, flag).preprocess(RGB, None)
    assert source.startswith("cam.*")
    assert (spec.mean, spec.std, spec.scale) == ((1.0,), (2.0,), 0.5)
    sources = Sources.of(Model(**yolo, **cam), model, flag)
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
    typed, scale, said = ALONE[name]
    given = pieces(Typed(**typed, order=tuple(typed)))
    spec, source = Sources(tmp_path, {}, flag).preprocess(RGB, None, **given)
    assert (spec.mean, spec.std, spec.scale) == (typed["mean"], typed["std"], scale)
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


def test_an_ultralytics_classifier_is_cropped() -> None:
    metadata = {"names": "['cat', 'dog']", "imgsz": "[224, 224]", "stride": "1", "task": "classify"}
    sources = Sources.of(Model(**metadata), Path("/none/m.onnx"))
    spec, _ = sources.preprocess(OPEN, None)
    assert spec == Preprocess(scale=1 / 255, size=(224, 224), fit="crop")
    labels, _ = sources.labels(2)
    assert labels is not None
    assert labels.names == ("cat", "dog")


def test_onnx_image_metadata_guide_the_guess() -> None:
    sources = Sources.of(
        Model(**{"Image.NominalPixelRange": "NominalRange_0_255"}), Path("/none/m.onnx")
    )
    spec, source = sources.preprocess(RGB, None)
    assert spec == Preprocess()
    assert "NominalRange_0_255" in source


BYTES = InputInfo("x", (1, "h", "w", 3), np.dtype("uint8"), 3)
SINGLE = InputInfo("x", (3, "h", "w"), np.dtype("float32"), 0, None)
GUESSES = {  # how the boxes are written, the input -> what is guessed
    "YOLO": ("", RGB, Preprocess(scale=1 / 255, fit="letterbox")),
    "YOLOX": ("offsets", RGB, Preprocess(bgr=True, fit="corner")),
    "FastestDet": ("bounded offsets", RGB, Preprocess(scale=1 / 255, bgr=True, fit="stretch")),
    "SCRFD": ("distances", RGB, Preprocess((127.5,), (128.0,), fit="corner", pad=0)),
    "BlazeFace": ("anchor offsets", RGB, Preprocess((127.5,), (127.5,), fit="letterbox", pad=0)),
    "another": ("distributions", RGB, Preprocess(scale=1 / 255, fit="letterbox")),
    "bytes": ("", BYTES, Preprocess(fit="stretch")),
    "torchvision": ("", SINGLE, Preprocess(scale=1 / 255, fit="stretch")),
}


OTHERS = {  # what else is known of the boxes -> the fit and the scale
    "rows of Ultralytics": (BoxNumbers("y", 2, own=OwnClass("y", 2, 5)), "letterbox", (0.0,)),
    "RT-DETR": (BoxNumbers("boxes", 2, own=OwnClass("labels")), "stretch", (0.0,)),
    "DETR": (BoxNumbers("boxes", 2, unsure=True), "stretch", (0.485, 0.456, 0.406)),
}


FACES = InputInfo("x", (1, 3, 240, 320), np.dtype("float32"), 1)
ULTRAFACE = [  # background, anchors, input -> is it UltraFace? 3 x 1200 + 2 x 300 + 2 x 80 + 3 x 20
    (0, 4420, FACES, True),
    (0, 4419, FACES, False),
    (0, None, FACES, False),
    (None, 4420, FACES, False),
    (-1, 4420, FACES, False),
    (0, 17640, InputInfo("x", (1, 480, 640, 3), np.dtype("float32"), 3), True),
    (0, 4420, RGB, False),
]


@pytest.mark.parametrize(("background", "anchors", "info", "own"), ULTRAFACE)
def test_ultraface_is_told_by_its_anchors(
    background: int | None, anchors: int | None, info: InputInfo, own: bool
) -> None:
    boxes = BoxNumbers("boxes", 2, background=background, anchors=anchors)
    head = Head("scores", "dense classes", "", "scores", 2, "Softmax", boxes)
    spec, source = Sources(Path(), {}, flag, [head]).preprocess(info)
    expected = Preprocess((127.0,), (128.0,), fit="stretch")
    assert (spec == expected, source.startswith("as UltraFace, a guess")) == (own, own)


@pytest.mark.parametrize("name", OTHERS)
def test_selected_boxes_and_queries(name: str) -> None:
    boxes, fit, mean = OTHERS[name]
    head = Head("y", "boxes", "", "y", 1, boxes=boxes)
    spec, _ = Sources(Path(), {}, flag, [head]).preprocess(RGB)
    assert (spec.fit, spec.mean, spec.scale) == (fit, mean, 1 / 255)


@pytest.mark.parametrize("name", GUESSES)
def test_a_detector_is_guessed_to_want_the_whole_photo(name: str) -> None:
    written, info, expected = GUESSES[name]
    head = Head("y", "boxes", "", "y", 1, boxes=BoxNumbers("y", 1, written=written))
    spec, source = Sources(Path(), {}, flag, [head]).preprocess(info)
    assert spec == expected
    assert "a guess as nothing says it: check the boxes, or give --preprocess" in source


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
        _ = Sources.of(Model(**metadata), Path("/none/m.onnx")).stated
