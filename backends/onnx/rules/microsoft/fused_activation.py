"""The Gelu family and the sums and softmaxes that onnxruntime's transformer fusions write."""

from __future__ import annotations

import numpy as np

from ...reading.graph import Node, Tensor
from ...writing.op import Op
from ..registry import attribute, optional, unsupported
from ..spelled_out import body
from .fused import MICROSOFT


@body("Gelu", "BiasGelu", domain=MICROSOFT)
def gelu(op: Op, node: Node) -> Tensor:
    """y = x Phi(x), of x = a + b where there are two inputs."""
    return op.Gelu(_sum(op, *node.inputs[:2]))


@body("FastGelu", domain=MICROSOFT)
def fast_gelu(op: Op, node: Node) -> Tensor:
    """The same by a tanh; the bias is optional."""
    return op.Gelu(_sum(op, *node.inputs[:2]), approximate="tanh")


@body("GemmFastGelu", domain=MICROSOFT)
def gemm_fast_gelu(op: Op, node: Node) -> Tensor:
    x, w = node.inputs[:2]
    return op.Gelu(_sum(op, op.MatMul(x, w), optional(node, 2)), approximate="tanh")


@body("QuickGelu", domain=MICROSOFT)
def quick_gelu(op: Op, node: Node) -> Tensor:
    """y = x s(alpha x), s the sigmoid."""
    alpha = attribute(node, "alpha")
    return op.Swish(node.inputs[0], alpha=1.702 if alpha is None else float(alpha))


@body("BiasSplitGelu", domain=MICROSOFT)
def bias_split_gelu(op: Op, node: Node) -> Tensor:
    """y = l gelu(r), l and r the halves of x + b."""
    x = _sum(op, *node.inputs[:2])
    size, last = x.shape[-1], len(x.shape) - 1
    if not isinstance(size, int):
        raise unsupported(node, "its last axis is dynamic")
    left, right = op.Split(x, [size // 2] * 2, axis=last, outputs=2)
    return op.Mul(left, op.Gelu(right))


@body("BiasAdd", domain=MICROSOFT)
def bias_add(op: Op, node: Node) -> Tensor:
    """y = x + b + skip."""
    return _sum(op, *node.inputs[:3])


@body("BiasDropout", domain=MICROSOFT)
def bias_dropout(op: Op, node: Node) -> tuple[Tensor, None]:
    """y = x + b + residual; nothing is dropped at inference."""
    training = optional(node, 4)
    value = np.zeros(1) if training is None else op.value(training)
    if value is None or value.any():
        raise unsupported(node, "it is in training mode (export the model in evaluation mode)")
    return _sum(op, *node.inputs[:2], optional(node, 2)), None


@body("BiasSoftmax", domain=MICROSOFT)
def bias_softmax(op: Op, node: Node) -> Tensor:
    """softmax(x + b) over all axes from `axis` on."""
    x = node.inputs[0]
    rank, axis = len(x.shape), attribute(node, "axis")
    axis = (1 if axis is None else axis) % rank
    scores = op.Add(x, node.inputs[1])
    if axis == rank - 1:
        return op.Softmax(scores, axis=axis)
    flat = op.Softmax(op.Reshape(scores, [0] * axis + [-1]), axis=axis)
    return op.reshape_like(flat, x)


def _sum(op: Op, first: Tensor, *others: Tensor | None) -> Tensor:
    """What is there of them, added in order."""
    for other in others:
        if other is not None and other.name:
            first = op.Add(first, other)
    return first
