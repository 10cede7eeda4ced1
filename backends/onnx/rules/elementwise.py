"""Arithmetic, element by element. Broadcasting is undone by the reverse pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .registry import Cotangent, vjp, zero

if TYPE_CHECKING:
    from ..emit import Emitter
    from ..prepare import Node, Tensor

zero("Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", why="a comparison")
zero("Not", "And", "Or", "Xor", why="logic")


@vjp("Add")
def add(op: Emitter, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    return gy, gy


@vjp("Sub")
def sub(op: Emitter, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    return gy, op.Neg(gy)


@vjp("Mul")
def mul(op: Emitter, node: Node, gy: Tensor) -> tuple[Cotangent, ...]:
    a, b = node.inputs
    return op.Mul(gy, b), op.Mul(gy, a)
