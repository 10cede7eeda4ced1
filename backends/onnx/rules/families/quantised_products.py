"""Integer arithmetic of ai.onnx: each operator is what a float one makes of dequantised inputs.

Straight through the quantiser at its end, as quantisation.py has it. The forward node stays: what
is written here is only read where a derivative needs it, mostly the weight, which folds at load.
"""

from __future__ import annotations

from typing import Any

from ...reading.graph import Node, Tensor
from ...writing.arithmetic import above_zero, real
from ...writing.op import Op
from ..registry import optional, unsupported
from ..spelled_out import body

WINDOWS = ("auto_pad", "dilations", "group", "kernel_shape", "pads", "strides")


@body("QLinearConv", quantises=True)
def qlinear_conv(op: Op, node: Node) -> Tensor:
    """The bias is int32 in units of x's scale times w's."""
    return op.QuantizeLinear(convolved(op, node, real(op, *node.inputs[:3])), *node.inputs[6:8])


def convolved(op: Op, node: Node, x: Tensor) -> Tensor:
    """What a QLinearConv makes of the dequantised x."""
    x_scale, (w, w_scale, w_zero) = node.inputs[1], node.inputs[3:6]
    weight, bias = real(op, w, w_scale, w_zero, axis=0), optional(node, 8)
    scales = op.Mul(x_scale, w_scale)
    return op.Conv(x, weight, None if bias is None else real(op, bias, scales), **windows(node))


@body("ConvInteger", quantises=True)
def conv_integer(op: Op, node: Node) -> Tensor:
    """In whole units: what dequantises the result comes after it."""
    x, w = node.inputs[:2]
    centred = above_zero(op, x, optional(node, 2)), above_zero(op, w, optional(node, 3), axis=0)
    return op.Conv(*centred, **windows(node))


@body("QLinearMatMul", quantises=True)
def qlinear_matmul(op: Op, node: Node) -> Tensor:
    a, a_scale, az, b, b_scale, bz, ys, yz = node.inputs
    if ys.shape is None or len(ys.shape) > 1:
        raise unsupported(node, f"y_scale has shape {ys.shape}")
    product = op.MatMul(real(op, a, a_scale, az, axis=-2), real(op, b, b_scale, bz, axis=-1))
    return op.QuantizeLinear(product, ys, yz, axis=max(len(product.shape) - 2, 0))


@body("MatMulInteger", quantises=True)
def matmul_integer(op: Op, node: Node) -> Tensor:
    """Zero points are one for all, one a row of a, or one a column of b."""
    a, b = node.inputs[:2]
    return op.MatMul(
        above_zero(op, a, optional(node, 2), -2), above_zero(op, b, optional(node, 3), -1)
    )


def windows(node: Node) -> dict[str, Any]:
    """The attributes that a convolution shares with its integer form."""
    return {name: node.attrs[name] for name in WINDOWS if name in node.attrs}
