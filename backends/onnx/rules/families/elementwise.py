"""Arithmetic, element by element. Broadcasting is undone by the reverse pass.

At kinks the derivative is torch's: 0 for Abs at 0, a tie of Max or Min is shared evenly.
Max and Min with a constant are strict: 0 at the bound, as relu6 has it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from math import pi, sqrt
from typing import Any

import numpy as np

from ...reading.graph import Node, Tensor, tiny
from ...writing.arithmetic import sign, zeros
from ...writing.op import Op
from ..registry import Cotangent, optional, unsupported, vjp

UNARY: dict[str, Callable[[Any, Tensor, Tensor, Tensor], Tensor]] = {
    "Identity": lambda op, x, y, gy: gy,
    "Neg": lambda op, x, y, gy: op.Neg(gy),
    "Abs": lambda op, x, y, gy: op.Mul(gy, sign(op, x)),
    "Exp": lambda op, x, y, gy: op.Mul(gy, y),
    "Log": lambda op, x, y, gy: op.Div(gy, x),
    "Reciprocal": lambda op, x, y, gy: op.Neg(op.Mul(gy, op.Mul(y, y))),
    "Sin": lambda op, x, y, gy: op.Mul(gy, op.Cos(x)),
    "Cos": lambda op, x, y, gy: op.Neg(op.Mul(gy, op.Sin(x))),
    "Tan": lambda op, x, y, gy: op.Mul(gy, op.Add(op.Mul(y, y), 1.0)),
    "Asin": lambda op, x, y, gy: op.Div(gy, op.Sqrt(op.Sub(1.0, op.Mul(x, x)))),
    "Acos": lambda op, x, y, gy: op.Neg(op.Div(gy, op.Sqrt(op.Sub(1.0, op.Mul(x, x))))),
    "Atan": lambda op, x, y, gy: op.Div(gy, op.Add(op.Mul(x, x), 1.0)),
    "Sinh": lambda op, x, y, gy: op.Mul(gy, op.Cosh(x)),
    "Cosh": lambda op, x, y, gy: op.Mul(gy, op.Sinh(x)),
    "Asinh": lambda op, x, y, gy: op.Div(gy, op.Sqrt(op.Add(op.Mul(x, x), 1.0))),
    "Acosh": lambda op, x, y, gy: op.Div(gy, op.Sqrt(op.Sub(op.Mul(x, x), 1.0))),
    "Atanh": lambda op, x, y, gy: op.Div(gy, op.Sub(1.0, op.Mul(x, x))),
    "Erf": lambda op, x, y, gy: op.Mul(gy, op.Mul(bell(op, x), 2 / sqrt(pi))),
}
"""gx of y = f(x), one line each."""


def _unary(gx: Callable[[Any, Tensor, Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    return lambda op, node, gy: gx(op, node.inputs[0], node.outputs[0], gy)


for _name, _gx in UNARY.items():
    vjp(_name)(_unary(_gx))


def bell(op: Op, x: Tensor) -> Tensor:
    """exp(-x^2)."""
    return op.Exp(op.Neg(op.Mul(x, x)))


@vjp("Add")
def add(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    return gy, gy


@vjp("Sub")
def sub(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    return gy, lambda: op.Neg(gy)


@vjp("Mul")
def mul(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    a, b = node.inputs
    return lambda: op.Mul(gy, b), lambda: op.Mul(gy, a)


@vjp("Div")
def div(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    _, b = node.inputs
    return lambda: op.Div(gy, b), lambda: op.Neg(op.Div(op.Mul(gy, node.outputs[0]), b))


@vjp("Mod")
def mod(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """y = a - b trunc(a / b)."""
    a, b = node.inputs
    return gy, lambda: op.Mul(gy, op.Div(op.Sub(node.outputs[0], a), b))


@vjp("Pow")
def power(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """dx = e x^(e-1), 0 where e is 0; de = y log x, 0 where x is not positive."""
    x, e = node.inputs

    def of_e() -> Tensor:
        log = op.Log(op.Where(op.Greater(x, 0.0), x, 1.0))
        return op.Cast(op.Mul(gy, op.Mul(node.outputs[0], log)), to=e.dtype)

    value = op.value(e)
    if value is not None and value.size == 1 and value.item() == 0.5:
        return square_root(op, node, gy), None
    return lambda: op.Mul(gy, _power_slope(op, node)), of_e


def _power_slope(op: Op, node: Node) -> Tensor:
    x, e = node.inputs
    value = op.value(e)
    if value is None:
        e = op.Cast(e, to=x.dtype) if e.dtype != x.dtype else e
        # x^0 for x^-1 where the factor e is 0, so that no 0 * inf arises at x = 0
        none = op.Cast(op.Equal(e, 0.0), to=x.dtype)
        return op.Mul(e, op.Pow(x, op.Add(op.Sub(e, 1.0), none)))
    if value.size == 1 and value.item() in SPECIAL_POWERS:
        return SPECIAL_POWERS[value.item()](op, x, node.outputs[0])
    factor = value.astype(x.dtype)
    return op.Mul(factor, op.Pow(x, np.where(factor == 0, factor, factor - 1)))


SPECIAL_POWERS: dict[float, Callable[[Any, Tensor, Tensor], Tensor]] = {
    2: lambda op, x, y: op.Mul(x, 2.0),
    3: lambda op, x, y: op.Mul(op.Mul(x, 3.0), x),
    -0.5: lambda op, x, y: op.Mul(-0.5, op.Mul(y, op.Mul(y, y))),
    -1: lambda op, x, y: op.Neg(op.Mul(y, y)),
}
"""dx of the exponents that models have, without another Pow."""


@vjp("Sqrt")
def square_root(op: Op, node: Node, gy: Tensor) -> Tensor:
    """gy / 2y: infinite at 0 as in torch, but 0 where gy is 0 (a norm below its guard)."""
    none = op.Equal(op.promises.beneath(gy), 0.0)
    return op.Div(op.Mul(gy, 0.5), op.Where(none, 1.0, node.outputs[0]))


@vjp("Sum")
def sum_(op: Op, node: Node, gy: Tensor) -> list[Cotangent]:
    return [gy for _ in node.inputs]


@vjp("Mean")
def mean(op: Op, node: Node, gy: Tensor) -> list[Cotangent]:
    return [lambda: op.Mul(gy, 1 / len(node.inputs)) for _ in node.inputs]


@vjp("Max")
def maximum(op: Op, node: Node, gy: Tensor) -> list[Cotangent]:
    return _extremum(op, node, gy, op.Greater)


@vjp("Min")
def minimum(op: Op, node: Node, gy: Tensor) -> list[Cotangent]:
    return _extremum(op, node, gy, op.Less)


def _extremum(
    op: Op, node: Node, gy: Tensor, beats: Callable[[Tensor, Tensor], Tensor]
) -> list[Cotangent]:
    """gy to the winner; a tie is shared evenly, but lost to a constant (torch's clamp, relu)."""
    y, kind = node.outputs[0], node.outputs[0].dtype
    for bound in (x for x in node.inputs if op.graph.constant(x)):
        gy = op.Mul(gy, op.Cast(beats(y, bound), to=kind))
    rivals = [x for x in node.inputs if not op.graph.constant(x)]
    if len(rivals) == 1:
        return [None if op.graph.constant(x) else gy for x in node.inputs]
    wins = [op.Cast(op.Equal(x, y), to=kind) for x in rivals]
    total = functools.reduce(op.Add, wins)
    if len(rivals) < len(node.inputs):  # where a constant beats all, nobody won
        total = op.Where(op.Greater(total, 0.0), total, 1.0)
    share = op.Div(gy, total)
    shares = {x.name: op.Mul(share, won) for x, won in zip(rivals, wins, strict=True)}
    return [shares.get(x.name) for x in node.inputs]


@vjp("Where")
def where(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    condition = node.inputs[0]
    return None, lambda: op.Where(condition, gy, 0.0), lambda: op.Where(condition, 0.0, gy)


@vjp("Cast", "CastLike")
def cast(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """Between floating types; from an integer (a quantised tensor) gy stays in floating point."""
    x = node.inputs[0]
    if tiny(node.outputs[0]):
        raise unsupported(node, f"it casts to {node.outputs[0].dtype}, which saturates unseen")
    like = [lambda: zeros(op, node.inputs[1])] if len(node.inputs) > 1 else []
    if np.dtype(x.dtype).kind in "iu" or tiny(x) or x.dtype == gy.dtype:
        return gy, *like
    return op.Cast(gy, to=x.dtype), *like


@vjp("Dropout")
def dropout(op: Op, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    """The identity, as at inference."""
    training = optional(node, 2)
    if training is not None:
        value = op.value(training)
        if value is None or value.any():
            raise unsupported(node, "it is in training mode (export the model for inference)")
    return gy, None
