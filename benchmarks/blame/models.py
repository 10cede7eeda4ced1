"""The models, quantised by onnxruntime with the first photos, and what the others are given as."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from cam_core import open_backend
from cam_core.image import PRESETS, Preprocess, preprocess, read

CALIBRATION = 16
"""Photos that only set the ranges."""
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
"""Of the transformer's training."""
Arrays = list[Any]


@dataclass(frozen=True)
class Row:
    """One model."""

    name: str
    kind: str
    file: str
    photos: Callable[[Path, Path], Arrays]
    """(data, model) -> the model's inputs, one photo each."""
    quantised: str = ""
    """A file that is quantised already; '': onnxruntime does it here."""


def of_coco(spec: Preprocess) -> Callable[[Path, Path], Arrays]:
    """The photos of the detectors' data set, as a model takes them."""

    def made(data: Path, model: Path) -> Arrays:
        info = open_backend(model).inputs()[0]
        files = sorted((data / "coco" / "images").iterdir())
        return [preprocess(read(path), spec, info).x for path in files]

    return made


def of_cifar(data: Path, model: Path) -> Arrays:
    """The first pictures of its test set, as the model was trained to see them."""
    x = np.load(data / "cifar10_242.npz")["x"][:64, None]
    mean, std = (np.array(v).reshape(3, 1, 1) for v in (MEAN, STD))
    return list(((x / 255 - mean) / std).astype(np.float32))


YOLOX = Preprocess(bgr=True, fit="corner")
ROWS = (
    Row("MobileNetV2, of the model zoo", "classifier", "mobilenetv2-fp32.onnx",
        of_coco(PRESETS["imagenet"]), "mobilenetv2-int8-qdq.onnx"),
    Row("SqueezeNet 1.1", "classifier", "squeezenet1.1-fp32.onnx", of_coco(PRESETS["imagenet"])),
    Row("YOLOX-nano", "detector", "yolox-nano.onnx", of_coco(YOLOX)),
    Row("ViT on CIFAR-10", "transformer", "cifar10-vit.onnx", of_cifar),
)  # fmt: skip


def files_of(row: Row, data: Path, folder: Path) -> tuple[Path, Path]:
    """(the float file, the quantised one); what is made here lies in `folder`."""
    model = data / "models" / row.file
    if row.quantised:
        return model, data / "models" / row.quantised
    plain = folder / f"{model.stem}.float.onnx"
    plain.write_bytes(modern(onnx.load(model)).SerializeToString())
    quantised = folder / f"{model.stem}.int8.onnx"
    quantise(plain, quantised, row.photos(data, model)[:CALIBRATION])
    return plain, quantised


def modern(model: onnx.ModelProto) -> onnx.ModelProto:
    """At opset 13, which has a scale a channel."""
    if max(o.version for o in model.opset_import if o.domain in ("", "ai.onnx")) >= 13:
        return model
    return onnx.version_converter.convert_version(model, 13)


def quantise(plain: Path, out: Path, photos: Sequence[Any]) -> None:
    """By onnxruntime's quantiser: QDQ, bytes, the range that the photos take."""
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    quantize_static(
        str(plain),
        str(out),
        Photos(plain, photos),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )


class Photos:
    """What the quantiser reads photos from."""

    def __init__(self, model: Path, photos: Sequence[Any]) -> None:
        name = open_backend(model).inputs()[0].name
        self.left: Iterator[dict[str, Any]] = iter({name: photo} for photo in photos)

    def get_next(self) -> dict[str, Any] | None:
        """The next one, or None."""
        return next(self.left, None)
