"""What onnxruntime fuses with a convolution or a matrix product when it saves an optimised model.

Each is differentiated through the operators that were fused; the activation comes last, so that its
rule reads the output that is there. Layouts with the channels last are turned and turned back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...reading.graph import Node, Tensor
from ...writing.arithmetic import transposed
from ...writing.op import Op
from ..registry import attribute, optional, unsupported
from ..spelled_out import body

MICROSOFT = "com.microsoft"
PARAMETERS = {
    "Relu": (),
    "Sigmoid": (),
    "Tanh": (),
    "Softplus": (),
    "Softsign": (),
    "HardSwish": (),
    "LeakyRelu": ("alpha",),
    "Elu": ("alpha",),
    "Celu": ("alpha",),
    "ThresholdedRelu": ("alpha",),
    "Clip": ("min", "max"),
    "HardSigmoid": ("alpha", "beta"),
    "Selu": ("alpha", "gamma"),
}
"""The activations that are fused, each with its attributes in the order of activation_params."""


@body("FusedConv", domain=MICROSOFT)
def fused_conv(op: Op, node: Node) -> Tensor:
    """y = act(x * w + b + z)."""
    return _activated_conv(op, node, node.inputs[0], optional(node, 3))


@body("NhwcFusedConv", domain=MICROSOFT)
def nhwc_fused_conv(op: Op, node: Node) -> Tensor:
    """The same of x, z and y with their channels last; the weights are as ever."""
    z = optional(node, 3)
    y = _activated_conv(op, node, first(op, node.inputs[0]), z if z is None else first(op, z))
    return last(op, y)


@body("NhwcConv", domain=MICROSOFT)
def nhwc_conv(op: Op, node: Node) -> Tensor:
    """A convolution with the channels last in x, in w [O, *kernel, C/group] and in y."""
    x, w = (first(op, t) for t in node.inputs[:2])
    return last(op, _conv(op, node, x, w))


def first(op: Op, x: Tensor) -> Tensor:
    """[N, *S, C] as [N, C, *S]."""
    rank = len(x.shape)
    return op.Transpose(x, perm=[0, rank - 1, *range(1, rank - 1)])


def last(op: Op, x: Tensor) -> Tensor:
    """[N, C, *S] as [N, *S, C]."""
    return op.Transpose(x, perm=[0, *range(2, len(x.shape)), 1])


def _activated_conv(op: Op, node: Node, x: Tensor, z: Tensor | None) -> Tensor:
    y = _conv(op, node, x, node.inputs[1])
    name, given = attribute(node, "activation") or "", attribute(node, "activation_params")
    return activated(op, node, y if z is None else op.Add(y, z), name, list(given or ()))


def _conv(op: Op, node: Node, x: Tensor, w: Tensor) -> Tensor:
    names = ("auto_pad", "dilations", "group", "kernel_shape", "pads", "strides")
    given = {name: node.attrs[name] for name in names if name in node.attrs}
    if given.get("auto_pad", "NOTSET") != "NOTSET":
        given.pop("pads", None)  # onnxruntime writes zeros beside it
    return op.Conv(x, w, optional(node, 2), **given)


def activated(op: Op, node: Node, x: Tensor, name: str, given: Sequence[float]) -> Tensor:
    """The fused activation of x; `given`: its parameters in order."""
    if not name:
        return x
    if name not in PARAMETERS:
        raise unsupported(node, f"its activation is {name}")
    names, values = PARAMETERS[name], [float(value) for value in given]
    if len(values) < len(names):
        raise unsupported(node, f"its {name} lacks {', '.join(names[len(values) :])}")
    if name == "Clip":
        return op.Clip(x, *values[:2])
    if name == "Celu":  # whose schema takes float32 only
        return op.Mul(op.Elu(op.Mul(x, 1 / values[0]), alpha=1.0), values[0])
    return getattr(op, name)(x, **dict(zip(names, values, strict=False)))


@body("FusedGemm", domain=MICROSOFT)
def fused_gemm(op: Op, node: Node) -> Tensor:
    """y = act(alpha A' B' + beta C)."""
    names = ("alpha", "beta", "transA", "transB")
    given = {name: node.attrs[name] for name in names if name in node.attrs}
    return _with_attributes(op, node, op.Gemm(*node.inputs, **given))


def _with_attributes(op: Op, node: Node, x: Tensor) -> Tensor:
    """The activation whose parameters are attributes, activation_alpha and so on."""
    name = attribute(node, "activation") or ""
    given = [attribute(node, f"activation_{p}") for p in PARAMETERS.get(name, ())]
    return activated(op, node, x, name, [value for value in given if value is not None])


@body("FusedMatMul", "TransposeMatMul", "FusedMatMulActivation", domain=MICROSOFT)
def fused_matmul(op: Op, node: Node) -> Tensor:
    """y = alpha A' B', A' and B' with axes exchanged as the attributes say."""
    a = _turned(op, node.inputs[0], attribute(node, "transBatchA"), attribute(node, "transA"))
    b = _turned(op, node.inputs[1], attribute(node, "transBatchB"), attribute(node, "transB"))
    y, alpha = op.MatMul(a, b), attribute(node, "alpha")
    y = y if alpha in (None, 1.0) else op.Mul(y, float(alpha))
    if attribute(node, "activation") == "Softmax":
        return op.Softmax(y, axis=attribute(node, "activation_axis") % len(y.shape))
    return _with_attributes(op, node, y)


def _turned(op: Op, x: Tensor, batch: Any, last: Any) -> Tensor:
    """`batch`: the first axis goes before the last; then `last`: the last two are exchanged."""
    rank = len(x.shape)
    if rank < 2:
        return x
    if batch:
        x = op.Transpose(x, perm=[*range(1, rank - 1), 0, rank - 1])
    return transposed(op, x) if last else x
