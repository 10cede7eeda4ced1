"""Deployed files: the layer that an expert would look at, how it is read, and over what it lies."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from backends.onnx.finding.analysis import Analysis, analyse
from tests.paths import DATA

if not (DATA / "models").is_dir():
    pytest.skip("the real models are not beside this tree", allow_module_level=True)


class Row(NamedTuple):
    """What is read of one file."""

    model: str
    layer: str
    layout: str
    input: str
    note: str = ""
    """How what is said of the layer begins."""
    windows: tuple[tuple[float, float], ...] = ((0, 1), (0, 1))


LARGEST = "the score is read at {} scales, the ends of the neck"
ROWS = [
    Row("blazeface-front", "activation_11", "NCHW", "input", LARGEST.format(2)),
    Row("cifar10-resnet-2b", "29", "NCHW", "input.1"),
    Row("cifar10-vit", "/1/1.2/1.2.1/Add_output_0", "N(1+4*4)C", "input"),
    Row("deeplab-v3-voc", "Relu__94:0", "NCHW", "sub_7"),
    Row(
        "eeg-ecg-two-inputs", "/eeg_enc/net/net.8/Relu_output_0", "NCL", "eeg",
        "no single map carries everything", ((0, 1),),
    ),
    Row("face-landmark", "p_re_lu_19", "NCHW", "input_1"),
    Row("fastestdet", "onnx::Conv_738", "NCHW", "input.1"),
    Row("mesonet", "model/batch_normalization_3/FusedBatchNormV3:0", "NCHW", "input"),
    Row("mnist-cntk", "ReLU114_Output_0", "NCHW", "Input3"),
    Row("mobilenetv2-fp32", "627_QuantizeInput_relu6", "NCHW", "input"),
    Row("mobilenetv2-int8-qdq", "627", "NCHW", "input"),
    Row("person-reid", "model/tf.nn.relu_99/Relu:0", "NCHW", "inputs:0"),
    Row("ppocr-rec-en", "hardswish_17.tmp_0", "NCHW", "x"),
    Row("squeezenet-zipmap", "fire9_concat", "NCHW", "data"),
    Row("squeezenet1.0-nhwc", "fire9_concat", "NCHW", "Placeholder"),
    Row("squeezenet1.1-fp16-opset7", "fire9/concat_1", "NCHW", "data_0"),
    Row("squeezenet1.1-fp32", "squeezenet0_concat7", "NCHW", "data"),
    Row("ultraface-rfb320", "314", "NCHW", "input", LARGEST.format(4)),
    Row(
        "yolov8n-int8", "/model.15/cv2/act/Mul_output_0_DequantizeLinear_Output", "NCHW",
        "images", LARGEST.format(3),
    ),
    Row("yolox-nano", "1028", "NCHW", "images", LARGEST.format(3)),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=[row.model for row in ROWS])
def test_the_layer_is_the_one_to_look_at(row: Row) -> None:
    found: Analysis = analyse(DATA / "models" / f"{row.model}.onnx", [None])
    choice, *_ = found.choices  # of a detector the largest of its scales
    assert (choice.name, choice.layout.text()) == (row.layer, row.layout)
    assert choice.why.startswith(row.note)
    assert bool(choice.why) == bool(row.note)
    region = choice.region
    assert region is not None
    assert (region.input, region.windows) == (row.input, row.windows)


def test_every_model_is_in_the_table() -> None:
    """Two are not: one without its weights, one of sound whose maps are steps of a frame."""
    files = {path.stem for path in (DATA / "models").glob("*.onnx")}
    assert files - {row.model for row in ROWS} == {"mobilenetv2-weights-missing", "silero-vad"}
