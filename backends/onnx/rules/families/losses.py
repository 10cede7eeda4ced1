"""Losses of training that an export kept: differentiated through what they stand for."""

from __future__ import annotations

import numpy as np

from ...reading.graph import Node, Tensor
from ...writing.op import Op
from ..parts.extents import extent, positions
from ..registry import optional
from ..spelled_out import body


@body("NegativeLogLikelihoodLoss")
def negative_log_likelihood(op: Op, node: Node) -> Tensor:
    return _loss(op, node, node.inputs[0])


@body("SoftmaxCrossEntropyLoss")
def softmax_cross_entropy(op: Op, node: Node) -> tuple[Tensor, Tensor]:
    """The same of log p = x - log sum exp x, which is the second output."""
    x = node.inputs[0]
    log_p = op.Sub(x, op.ReduceLogSumExp(x, [1], keepdims=1))
    return _loss(op, node, log_p), log_p


def _loss(op: Op, node: Node, log_p: Tensor) -> Tensor:
    """-w_c log p_c at each label c, then the sum, or the mean weighted by w_c."""
    labels, weights = node.inputs[1], optional(node, 2)
    space = [1] * (len(log_p.shape) - 2)
    classes = op.Reshape(positions(op, extent(op, log_p, 1), labels.dtype), [1, -1, *space])
    classes = op.typed(classes, (1, log_p.shape[1], *space))
    hot = op.Equal(op.Unsqueeze(labels, [1]), classes)
    ignored = node.attrs.get("ignore_index")
    if ignored is not None:
        kept = op.Not(op.Equal(labels, np.array(ignored, labels.dtype)))
        hot = op.And(hot, op.Unsqueeze(kept, [1]))
    share = op.Cast(hot, to=log_p.dtype)
    if weights is not None:
        share = op.Mul(share, op.Reshape(weights, [1, -1, *space]))
    loss = op.Neg(op.ReduceSum(op.Mul(log_p, share), [1], keepdims=0))
    if node.attrs["reduction"] == "none":
        return loss
    total = op.ReduceSum(loss, keepdims=0)
    if node.attrs["reduction"] == "sum":
        return total
    return op.Div(total, op.ReduceSum(share, keepdims=0))
