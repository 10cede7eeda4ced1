"""A model with each of its weights in another file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from backends.onnx.reading.load import load

TEXT = """<ir_version: 8, opset_import: ["" : 17]>
net (float[N, 3, 8, 8] x) => (float[N, 5] y) {
    c = Conv<pads = [1, 1, 1, 1]>(x, k)
    a = Relu(c)
    t = Gather<axis = 3>(a, columns)
    g = GlobalAveragePool(t)
    f = Flatten(g)
    y = MatMul(f, w)
}"""
COLUMNS = [1, 6, 2, 0]


def net() -> onnx.ModelProto:
    model, rng = onnx.parser.parse_model(TEXT), np.random.default_rng(2)
    for name, shape in {"k": (4, 3, 3, 3), "w": (4, 5)}.items():
        value = rng.normal(size=shape).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    model.graph.initializer.append(numpy_helper.from_array(np.array(COLUMNS), "columns"))
    return model


def images() -> Any:
    return np.random.default_rng(1).normal(size=(2, 3, 8, 8)).astype(np.float32)


def written(folder: Path) -> Path:
    """The model with each of its weights in another file, its indices too."""
    (folder / "parts").mkdir(parents=True)
    model = net()
    for tensor in model.graph.initializer:
        location = "parts/k.data" if tensor.name == "k" else "rest.data"
        onnx.external_data_helper.set_external_data(tensor, location)
    onnx.external_data_helper.write_external_data_tensors(model, str(folder))
    onnx.save(model, folder / "net.onnx")
    assert len(load(folder / "net.onnx").model.graph.initializer[0].raw_data) == 0
    return folder / "net.onnx"
