"""A copy of a model with other weights, for sanity checks by randomisation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import onnx
from onnx import numpy_helper

from cam_core.backend import Array
from cam_core.errors import ModelError

from ..reading.graph import BFLOAT16
from ..reading.load import LARGEST_MESSAGE, Source, message_size
from ..reading.sparse import densify
from ..reading.stored import embedded, external_tensors, nbytes
from ..reading.weight_order import settings, weight_places

Change = Callable[[str, Array], Array]
"""(name, weight) -> the weight in its place."""


def change_weights(source: Source, change: Change) -> onnx.ModelProto:
    """The model with every weight changed; external data is read into it.

    Raises:
        ModelError: that would make it larger than 2 GiB.

    A weight is a floating point or 8-bit initialiser, or a Constant node that is no single number;
    they are changed in the order in which nodes read them. 8-bit ones and bfloat16 are given as
    float32, and rounded (and clipped) back.
    """
    size = sum(nbytes(tensor) for tensor in external_tensors(source.model))
    if message_size(source.model) + size > LARGEST_MESSAGE:
        raise ModelError(
            f"{source.name}: weights of more than 2 GiB cannot be changed; use a smaller model"
        )
    model = onnx.ModelProto()
    model.CopyFrom(source.model)
    if source.folder is not None:
        for tensor in external_tensors(model):
            tensor.CopyFrom(embedded(tensor, source.folder))
    densify(model.graph, source.folder)
    for name, tensor in _weights(model):
        changed = _changed(name, numpy_helper.to_array(tensor), change)
        if changed is not None:
            tensor.CopyFrom(numpy_helper.from_array(changed, tensor.name))
    return model


def _weights(model: onnx.ModelProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    """Names and tensors, wherever an exporter put them; those that nothing reads go first.

    Left out are numbers that only say how an operator works.
    """
    places, left_out = weight_places(model.graph), settings(model.graph)
    found = [(name, tensor) for name, tensor in _tensors(model) if name not in left_out]
    yield from sorted(found, key=lambda pair: places.get(pair[0], 0))


def _tensors(model: onnx.ModelProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    """Initialisers and Constant nodes, in the order of the file."""
    yield from ((tensor.name, tensor) for tensor in model.graph.initializer)
    for node in model.graph.node:
        for attribute in node.attribute if node.op_type == "Constant" else ():
            if attribute.name == "value" and math.prod(attribute.t.dims) > 1:
                yield node.output[0], attribute.t


def _changed(name: str, weight: Array, change: Change) -> Array | None:
    """The new weight, None for what is none (shapes, indices, zero points)."""
    if np.issubdtype(weight.dtype, np.floating):
        return np.asarray(change(name, weight), weight.dtype)
    if weight.dtype == BFLOAT16:
        return np.asarray(change(name, weight.astype(np.float32))).astype(BFLOAT16)
    if weight.dtype not in (np.int8, np.uint8) or weight.ndim < 2:
        return None
    ends = np.iinfo(weight.dtype)
    rounded = np.rint(change(name, weight.astype(np.float32)))
    return np.clip(rounded, ends.min, ends.max).astype(weight.dtype)
