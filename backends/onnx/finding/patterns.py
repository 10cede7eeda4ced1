"""Formulas as patterns: which nodes of a graph compute `0.5 * x * (1 + Erf(x / 2 ** 0.5))`?

A formula is a Python expression. Products are compared as monomials, a coefficient times powers of
factors, so that the order of Mul, Div, Reciprocal, Sqrt, Pow and the place of the constants do not
matter. Names stand for tensors, the same name for the same tensor; those of SCALARS for a constant
number and `axes` for the axes of a reduction.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TypeAlias

SCALARS = {"alpha", "epsilon"}


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Name:
    name: str


@dataclass(frozen=True)
class Call:
    op: str
    arguments: tuple[Pattern, ...]
    attrs: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Sum:
    op: str
    """Add or Sub."""
    left: Pattern
    right: Pattern


@dataclass(frozen=True)
class Product:
    coefficient: float | str
    factors: tuple[tuple[Pattern, float], ...]
    """(pattern, exponent); bare names last, when other factors have said what they are."""


Pattern: TypeAlias = Number | Name | Call | Sum | Product


def parse(formula: str) -> Pattern:
    """The pattern that a formula describes."""
    return _read(ast.parse(formula, mode="eval").body)


def _read(e: ast.expr) -> Pattern:
    match e:
        case ast.Constant(value=int() | float() as value):
            return Number(float(value))
        case ast.Name(id=name):
            return Name(name)
        case ast.Call(func=ast.Name(id="Sqrt"), args=[inner]):
            return _power(_read(inner), 0.5)
        case ast.Call(func=ast.Name(id=op), args=arguments, keywords=keywords):
            attrs = [(str(k.arg), _number(_read(k.value))) for k in keywords]
            return Call(op, tuple(_read(a) for a in arguments), tuple(attrs))
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return Number(-_number(_read(inner)))
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return Sum("Add", _read(left), _read(right))
        case ast.BinOp(op=ast.Sub(), left=left, right=right):
            return Sum("Sub", _read(left), _read(right))
        case ast.BinOp(op=ast.Mult(), left=left, right=right):
            return _times(_read(left), _read(right))
        case ast.BinOp(op=ast.Div(), left=left, right=right):
            return _times(_read(left), _power(_read(right), -1.0))
        case ast.BinOp(op=ast.Pow(), left=left, right=right):
            return _power(_read(left), _number(_read(right)))
    raise ValueError(f"not a formula: {ast.unparse(e)}")


def _number(pattern: Pattern) -> float:
    assert isinstance(pattern, Number)
    return pattern.value


def _as_product(pattern: Pattern) -> Product:
    match pattern:
        case Product():
            return pattern
        case Number(value):
            return Product(value, ())
        case Name(name) if name in SCALARS:
            return Product(name, ())
    return Product(1.0, ((pattern, 1.0),))


def _times(a: Pattern, b: Pattern) -> Pattern:
    p, q = _as_product(a), _as_product(b)
    coefficient = p.coefficient if q.coefficient == 1.0 else q.coefficient
    if isinstance(p.coefficient, float) and isinstance(q.coefficient, float):
        coefficient = p.coefficient * q.coefficient
    factors = sorted(p.factors + q.factors, key=lambda f: isinstance(f[0], Name))
    if not factors and isinstance(coefficient, float):
        return Number(coefficient)
    return Product(coefficient, tuple(factors))


def _power(base: Pattern, exponent: float) -> Pattern:
    if isinstance(base, Number):
        return Number(base.value**exponent)
    if isinstance(base, Product) and base.coefficient == 1.0:
        return Product(1.0, tuple((f, e * exponent) for f, e in base.factors))
    return Product(1.0, ((base, exponent),))
