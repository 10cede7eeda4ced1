"""com.microsoft's QLinear operators: dequantise, compute, quantise, all in one kernel.

onnxruntime's quantiser writes them, and its optimiser where it finds them between quantisers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, TypeProto

from ...reading.fold import Values
from ...reading.graph import Node, Tensor
from ...reading.probes import Types
from ...reading.shapes import OUTSIDE
from ...reading.units import channels_last
from ...writing.arithmetic import real
from ...writing.op import Op
from ..families.quantisation import quantize_linear
from ..families.quantised_products import convolved, windows
from ..registry import optional, vjp
from ..spelled_out import body
from .contrib_attention import of_projected
from .fused import MICROSOFT

POOLED = ("auto_pad", "ceil_mode", "count_include_pad", "kernel_shape", "pads", "strides")


vjp("QuantizeLinear", domain=MICROSOFT, quantises=True)(quantize_linear)


def _quantised_type(node: NodeProto, types: Types, values: Values) -> dict[str, TypeProto]:
    """x's shape, of the zero point's type."""
    kind = TypeProto()
    kind.CopyFrom(types[node.input[0]])
    zero = types[node.input[2]].tensor_type.elem_type if node.input[2:] else TensorProto.UINT8
    kind.tensor_type.elem_type = zero
    return {node.output[0]: kind}


OUTSIDE[MICROSOFT, "QuantizeLinear"] = _quantised_type


@body("DequantizeLinear", domain=MICROSOFT, quantises=True)
def dequantize_linear(op: Op, node: Node) -> Tensor:
    x, scale = node.inputs[:2]
    return real(op, x, scale, optional(node, 2), node.attrs.get("axis", 1))


def quantiser_zero(op: Op, zero: Tensor | None, kind: Any) -> Tensor:
    """A zero point, which also says the result's type."""
    return op.constant(np.zeros((), kind)) if zero is None else zero


def _input(op: Op, node: Node, position: int) -> Tensor:
    """The tensor at `position`, its scale and its zero point after it."""
    q, scale = node.inputs[position : position + 2]
    return real(op, q, scale, optional(node, position + 2))


def _quantised(op: Op, node: Node, y: Tensor, position: int, q: Tensor) -> Tensor:
    """y by the scale at `position`; the type is the zero point's, or q's where that is left out."""
    zero = quantiser_zero(op, optional(node, position + 1), q.dtype)
    return op.QuantizeLinear(y, node.inputs[position], zero)


def _softmax(op: Op, node: Node, x: Tensor) -> Tensor:
    """Before opset 13 the axes from `axis` on were one."""
    axis = node.attrs.get("axis", -1)
    if node.attrs["opset"] >= 13 or axis % len(x.shape) == len(x.shape) - 1:
        return op.Softmax(x, axis=axis)
    return op.reshape_like(op.Softmax(op.Flatten(x, axis=axis), axis=-1), x)


def _mean(op: Op, node: Node, x: Tensor) -> Tensor:
    return op.ReduceMean(x, list(node.attrs["axes"]), keepdims=node.attrs["keepdims"])


def _average_pool(op: Op, node: Node, x: Tensor) -> Tensor:
    given = {name: node.attrs[name] for name in POOLED if name in node.attrs}
    return channels_first(op, node, x, lambda x: op.AveragePool(x, **given))


def _global_average_pool(op: Op, node: Node, x: Tensor) -> Tensor:
    return channels_first(op, node, x, op.GlobalAveragePool)


def channels_first(op: Op, node: Node, x: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
    """`function`, which wants channels first, of an x that may have them last."""
    if not channels_last(node):
        return function(x)
    rank = len(x.shape)
    y = function(op.Transpose(x, perm=[0, rank - 1, *range(1, rank - 1)]))
    return op.Transpose(y, perm=[0, *range(2, rank), 1])


UNARY: dict[str, Callable[[Any, Node, Tensor], Tensor]] = {
    "QLinearSigmoid": lambda op, node, x: op.Sigmoid(x),
    "QLinearLeakyRelu": lambda op, node, x: op.LeakyRelu(x, alpha=node.attrs.get("alpha", 0.01)),
    "QLinearSoftmax": _softmax,
    "QLinearReduceMean": _mean,
    "QLinearAveragePool": _average_pool,
    "QLinearGlobalAveragePool": _global_average_pool,
}
"""What each computes of one dequantised input."""


@body(*UNARY, domain=MICROSOFT, quantises=True)
def unary(op: Op, node: Node) -> Tensor:
    y = UNARY[node.op](op, node, _input(op, node, 0))
    return _quantised(op, node, y, 3, node.inputs[0])


@body("QLinearAdd", "QLinearMul", domain=MICROSOFT, quantises=True)
def binary(op: Op, node: Node) -> Tensor:
    y = op.emit(node.op.removeprefix("QLinear"), _input(op, node, 0), _input(op, node, 3))
    return _quantised(op, node, y, 6, node.inputs[0])


@body("QLinearWhere", domain=MICROSOFT, quantises=True)
def where(op: Op, node: Node) -> Tensor:
    y = op.Where(node.inputs[0], _input(op, node, 1), _input(op, node, 4))
    return _quantised(op, node, y, 7, node.inputs[1])


@body("QLinearConcat", domain=MICROSOFT, quantises=True)
def concat(op: Op, node: Node) -> Tensor:
    """The result's scale and zero point come first."""
    parts = [_input(op, node, i) for i in range(2, len(node.inputs), 3)]
    y = op.Concat(*parts, axis=node.attrs["axis"])
    return _quantised(op, node, y, 0, node.inputs[2])


@body("QLinearConv", domain=MICROSOFT, quantises=True)
def conv(op: Op, node: Node) -> Tensor:
    """As in ai.onnx, the channels of x and y perhaps last."""
    y = channels_first(op, node, _input(op, node, 0), lambda x: convolved(op, node, x))
    return op.QuantizeLinear(y, *node.inputs[6:8])


@body("NhwcMaxPool", domain=MICROSOFT)
def nhwc_max_pool(op: Op, node: Node) -> Tensor:
    """A MaxPool of integers, channels last."""
    pooled = windows(node) | {"ceil_mode": node.attrs.get("ceil_mode", 0)}
    return channels_first(op, node, node.inputs[0], lambda x: op.MaxPool(x, **pooled))


@body("QGemm", domain=MICROSOFT, quantises=True)
def qgemm(op: Op, node: Node) -> Tensor:
    """alpha A' B' + C; C is int32 in units of alpha times both scales. Without y_scale in float."""
    a, a_scale, az, b, b_scale, bz = node.inputs[:6]
    c, alpha = optional(node, 6), node.attrs.get("alpha", 1.0)
    flips = {name: node.attrs.get(name, 0) for name in ("transA", "transB")}
    column = 0 if flips["transB"] else 1
    A, B = real(op, a, a_scale, az), real(op, b, b_scale, bz, column)
    C = None if c is None else real(op, c, op.Mul(op.Mul(a_scale, b_scale), alpha))
    y = op.Gemm(A, B, C, alpha=alpha, **flips)
    return y if optional(node, 7) is None else _quantised(op, node, y, 7, a)


@body("MatMulIntegerToFloat", domain=MICROSOFT)
def matmul_integer_to_float(op: Op, node: Node) -> Tensor:
    a, b, a_scale, b_scale = node.inputs[:4]
    A = real(op, a, a_scale, optional(node, 4), -2)
    return _plus(op, op.MatMul(A, real(op, b, b_scale, optional(node, 5), -1)), optional(node, 6))


@body("DynamicQuantizeMatMul", domain=MICROSOFT)
def dynamic_quantize_matmul(op: Op, node: Node) -> Tensor:
    """Straight through the quantisation of A, whose scale is chosen so that nothing saturates."""
    a, b, b_scale = node.inputs[:3]
    B = real(op, b, b_scale, optional(node, 3), -1)
    return _plus(op, op.MatMul(a, B), optional(node, 4))


@body("QAttention", domain=MICROSOFT)
def qattention(op: Op, node: Node) -> tuple[Tensor, Tensor | None]:
    """Attention whose one product with a weight is of integers; the rest is in floating point."""
    x, weights, bias, x_scale, scale = node.inputs[:5]
    X = real(op, x, x_scale, optional(node, 6))
    projected = op.MatMul(X, real(op, weights, scale, optional(node, 7), -1))
    return of_projected(op, node, op.Add(projected, bias), optional(node, 5), optional(node, 8))


@body("QEmbedLayerNormalization", domain=MICROSOFT)
def qembed_layer_normalization(op: Op, node: Node) -> tuple[Tensor, Tensor]:
    """EmbedLayerNormalization whose tables, scale and shift are 8-bit integers."""
    ids, segments, mask = node.inputs[0], optional(node, 1), optional(node, 7)
    names = ("words", "positions", "segments", "gamma", "beta")
    table = {name: [node.inputs[i + j] for j in (2, 8, 13)] for i, name in enumerate(names)}

    def rows(name: str, at: Tensor) -> Tensor:
        q, scale, zero = table[name]
        return real(op, op.Gather(q, at, axis=0), scale, zero)

    q, scale, zero = table["positions"]
    placed = real(op, op.Slice(q, [0], op.extent(ids, 1), [0]), scale, zero)
    total = op.Add(rows("words", ids), placed)
    if segments is not None:
        total = op.Add(total, rows("segments", segments))
    gamma, beta = (real(op, *table[name]) for name in ("gamma", "beta"))
    y = op.LayerNormalization(total, gamma, beta, epsilon=node.attrs.get("epsilon", 1e-12))
    return y, op.ReduceSum(ids if mask is None else mask, [1], keepdims=0)


def _plus(op: Op, y: Tensor, bias: Tensor | None) -> Tensor:
    return y if bias is None else op.Add(y, bias)
