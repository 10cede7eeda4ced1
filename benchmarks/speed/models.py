"""The models that are timed: exported with seeded random weights, kept in a folder.

CNNs by TorchScript, as most deployed ones were: its GlobalAveragePool stays in onnxruntime's
blocked layout, where torch.export writes ReduceMean. Transformers and ConvNeXt by torch.export,
torch's default: TorchScript computes the shapes of a free batch at run time (swin_t: 6,194 nodes
instead of 768).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx

from cam_core.demo import DETECTOR

from .sessions import picture

SIZE = 224
INT8 = "mobilenet_v2_int8"
ROPE = "timm/vit_small_patch16_rope_224"


@dataclass(frozen=True)
class Model:
    """One of the models."""

    key: str
    """As the command line and the file have it."""
    name: str
    """As people write it."""
    source: str = ""
    """As benchmarks.zoo.models builds it."""
    exporter: Literal["dynamo", "torchscript"] = "dynamo"
    module: str = ""
    """The torch module whose output is the default layer."""
    path: Path | None = None
    """A file that is there: the user's own, or the package's."""


MODELS = (
    Model("resnet50", "ResNet-50", "resnet50", "torchscript", "layer4"),
    Model("mobilenet_v2", "MobileNetV2", "mobilenet_v2", "torchscript", "features"),
    Model("efficientnet_b0", "EfficientNet-B0", "efficientnet_b0", "torchscript", "features"),
    Model("convnext_tiny", "ConvNeXt-Tiny", "convnext_tiny", "dynamo", "features"),
    Model("vit_b_16", "ViT-B/16", "vit_b_16", "dynamo", "encoder.layers.encoder_layer_11.ln_1"),
    Model("deit_s", "DeiT-S", "timm/deit_small_patch16_224", "dynamo", "blocks.11.norm1"),
    Model("vit_s_rope", "ViT-S/16 RoPE", ROPE, "dynamo", "blocks.11.norm1"),
    Model("eva02_tiny", "EVA-02-Ti", "timm/eva02_tiny_patch14_224", "dynamo", "blocks.11"),
    Model("swin_t", "Swin-T", "swin_t", "dynamo", "features"),
    Model("vgg16", "VGG-16", "vgg16", "torchscript", "features.29"),
    Model(INT8, "MobileNetV2, int8 QDQ"),
)
DETECTORS = (Model("detector", "tiny detector", path=Path(str(DETECTOR))),)
"""Whose boxes are explained."""
GROWING = ("resnet50", "mobilenet_v2", "deit_s")
"""Those whose growth with the number of classes is drawn."""
BY_KEY = {model.key: model for model in MODELS}


def file(model: Model, folder: Path, size: int = SIZE) -> Path:
    """The model as a file for size x size pictures and any batch; written if not there yet."""
    if model.path is not None:
        return model.path
    path = folder / f"{model.key}-{size}.onnx"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        if model.key == INT8:
            quantise(file(BY_KEY["mobilenet_v2"], folder, size), path)
        else:
            from converters.torch import to_onnx

            x = picture((2, 3, size, size))
            to_onnx(net(model, size), x, path, exporter=model.exporter, verify=False)
    return path


def net(model: Model, size: int = SIZE) -> Any:
    """The torch module that the file is written from."""
    import torch

    from ..zoo.models import build, calibrate

    module = build(model.source)
    calibrate(module, torch.as_tensor(picture((2, 3, size, size))))
    return module


def quantise(source: Path, path: Path) -> None:
    """Static int8 in QDQ form, uint8 activations and weights, by onnxruntime's own quantiser."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType
    from onnxruntime.quantization import quantize_static as quantize

    from converters.torch_settings import quiet

    name = onnx.load(source).graph.input[0].name

    class Noise(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            rng = np.random.default_rng(1)
            self.batches: Iterator[Any] = iter(rng.normal(size=(8, 1, 3, SIZE, SIZE)))

        def get_next(self) -> dict[str, Any] | None:
            batch = next(self.batches, None)
            return None if batch is None else {name: batch.astype(np.float32)}

    with quiet():
        quantize(
            str(source),
            str(path),
            Noise(),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QUInt8,
        )


def cut(path: Path, tensor: str) -> onnx.ModelProto:
    """The model up to the tensor, which becomes its only output."""
    import onnx_graphsurgeon as gs

    graph = gs.import_onnx(onnx.load(path))
    end = graph.tensors()[tensor]
    end.dtype = np.float32 if end.dtype is None else end.dtype
    graph.outputs = [end]
    made: onnx.ModelProto = gs.export_onnx(graph.cleanup(), do_type_check=False)
    made.ir_version = onnx.load(path, load_external_data=False).ir_version
    return made


def layer_of(model: onnx.ModelProto) -> str:
    """The tensor that an instrumented model explains."""
    return next(entry.value for entry in model.metadata_props if entry.key == "cam.layer")


def chain(length: int) -> onnx.ModelProto:
    """Convolution and Relu in turn, `length` nodes in all, then pooling and a linear layer."""
    from onnx import helper, numpy_helper

    weights = {"w": picture((4, 4, 3, 3)) / 6, "v": picture((4, 10))}
    nodes, last = [], "x"
    make: Callable[..., onnx.NodeProto] = helper.make_node
    for i in range(length - 3):
        kind, extra = (("Relu", []), ("Conv", ["w"]))[i % 2 == 0]
        pads = {"pads": [1, 1, 1, 1]} if extra else {}
        nodes.append(make(kind, [last, *extra], [f"t{i}"], **pads))
        last = f"t{i}"
    nodes.append(make("GlobalAveragePool", [last], ["pooled"]))
    nodes.append(make("Flatten", ["pooled"], ["flat"]))
    nodes.append(make("MatMul", ["flat", "v"], ["logits"]))
    graph = helper.make_graph(
        nodes,
        "chain",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 4, 8, 8])],
        [helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["n", 10])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
