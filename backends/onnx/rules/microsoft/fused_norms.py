"""The normalisations that onnxruntime's transformer fusions write."""

from __future__ import annotations

import numpy as np

from ...reading.graph import Node, Tensor
from ...writing.arithmetic import at_least_float32
from ...writing.op import Op
from ..families.normalisation import per_channel
from ..registry import attribute, optional, unsupported
from ..spelled_out import body
from .fused import MICROSOFT, first, last


@body("SimplifiedLayerNormalization")
def simplified_layer_normalization(op: Op, node: Node) -> Tensor:
    """RMSNormalization before it had a name in ONNX: a file holds it in domain ''."""
    _require_no_moments(node, 1)
    axis = attribute(node, "axis")
    return op.RMSNormalization(
        *node.inputs[:2], axis=-1 if axis is None else axis, epsilon=_epsilon(node, 1e-5)
    )


@body("SkipLayerNormalization", domain=MICROSOFT)
def skip_layer_normalization(op: Op, node: Node) -> tuple[Tensor | None, ...]:
    """y = LayerNormalization(s), s = x + skip + b, which is its fourth output too."""
    x, skip, scale = node.inputs[:3]
    total = _skipped(op, x, skip, optional(node, 4))
    _require_no_moments(node, 1, 2)
    epsilon = _epsilon(node, 1e-12)
    y = op.LayerNormalization(total, scale, optional(node, 3), axis=-1, epsilon=epsilon)
    return y, None, None, total


@body("SkipSimplifiedLayerNormalization", domain=MICROSOFT)
def skip_simplified_layer_normalization(op: Op, node: Node) -> tuple[Tensor | None, ...]:
    """The same with no mean taken off."""
    x, skip, scale = node.inputs[:3]
    total = _skipped(op, x, skip, optional(node, 3))
    _require_no_moments(node, 1, 2)
    y = op.RMSNormalization(total, scale, axis=-1, epsilon=_epsilon(node, 1e-12))
    return y, None, None, total


@body("EmbedLayerNormalization", domain=MICROSOFT)
def embed_layer_normalization(op: Op, node: Node) -> tuple[Tensor, ...]:
    """y = LayerNormalization(words + positions + segments), the words counted, and the sum."""
    ids, segments, words, positions = node.inputs[:4]
    at, mask = optional(node, 8), optional(node, 7)
    if at is None:
        placed = op.Slice(positions, [0], op.extent(ids, 1), [0])
    else:
        placed = op.Gather(positions, at, axis=0)
    total = op.Add(op.Gather(words, ids, axis=0), placed)
    table = optional(node, 4)
    if segments.name and table is not None:
        total = op.Add(total, op.Gather(table, segments, axis=0))
    epsilon = _epsilon(node, 1e-12)
    y = op.LayerNormalization(total, *node.inputs[5:7], axis=-1, epsilon=epsilon)
    counted = op.ReduceSum(ids if mask is None else mask, [1], keepdims=0)
    return y, counted, total


@body("GroupNorm", domain=MICROSOFT)
def group_norm(op: Op, node: Node) -> Tensor:
    """The channels in groups, each normalised over its channels and its space."""
    return _grouped(op, node, node.inputs[0])


@body("SkipGroupNorm", domain=MICROSOFT)
def skip_group_norm(op: Op, node: Node) -> tuple[Tensor, Tensor]:
    """GroupNorm of s = x + skip + b, which is its second output too."""
    x, skip, bias = node.inputs[0], node.inputs[3], optional(node, 4)
    if len(skip.shape) == 2:
        skip = op.Unsqueeze(skip, [1, 2] if _channels_last(node) else [2, 3])
    if bias is not None and not _channels_last(node):
        bias = per_channel(op, bias, len(x.shape))
    total = _skipped(op, x, skip, bias)
    return _grouped(op, node, total), total


def _grouped(op: Op, node: Node, x: Tensor) -> Tensor:
    groups, rank = node.attrs["groups"], len(x.shape)
    channels = first(op, x) if _channels_last(node) else x
    rows = op.Reshape(at_least_float32(op, channels), [0, groups, -1])
    ones = np.ones(groups, rows.dtype)
    normal = op.InstanceNormalization(rows, ones, 0 * ones, epsilon=_epsilon(node, 1e-5))
    normal = op.reshape_like(normal, channels)
    scale, bias = (per_channel(op, at_least_float32(op, t), rank) for t in node.inputs[1:3])
    y = op.Add(op.Mul(normal, scale), bias)
    if attribute(node, "activation"):
        y = op.Swish(y)
    y = op.cast_like(y, x)
    return last(op, y) if _channels_last(node) else y


def _channels_last(node: Node) -> bool:
    return bool(node.attrs.get("channels_last", 1))


def _skipped(op: Op, x: Tensor, skip: Tensor, bias: Tensor | None) -> Tensor:
    total = op.Add(x, skip)
    return total if bias is None else op.Add(total, bias)


def _epsilon(node: Node, default: float) -> float:
    given = attribute(node, "epsilon")
    return default if given is None else float(given)


def _require_no_moments(node: Node, *positions: int) -> None:
    """Mean and deviation are outputs for training; no body makes them."""
    if any(position < len(node.outputs) and node.outputs[position].name for position in positions):
        raise unsupported(node, "its mean or deviation is an output")
