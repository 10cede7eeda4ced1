"""The table of derivatives: every operator has a rule, has zero derivative, or is an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cam_core.errors import CamError, UnsupportedOpError

from ..reading.graph import Node, Tensor, reads
from .not_yet import NOT_YET

RULES = "backends/onnx/rules/"
"""Where a rule is added."""

Cotangent = Any
"""A tensor; None where there is no derivative; or a function called only if it is wanted."""
Function = Callable[..., Any]


@dataclass(frozen=True)
class Rule:
    """gy -> the cotangents of a node's inputs, in input order."""

    function: Function
    several: bool = False
    """gy is a tuple, one per output (None: nothing reads that output)."""
    quantises: bool = False
    """Integer outputs carry a derivative too (straight through)."""
    body: bool = False
    """Its function emits what the node computes; the derivative is that of those operators."""
    inner: bool = False
    """It reverses the node's bodies (see `control.branches.Back`)."""


VJP_RULES: dict[tuple[str, str], Rule] = {}
"""(domain, operator) -> rule."""

ZERO: dict[tuple[str, str], str] = {}
"""(domain, operator) -> why its derivative is zero everywhere it exists."""

GUIDED: dict[tuple[str, str], Rule] = {}
"""Rows that guided backpropagation puts in place of the rectifiers' own."""


def vjp(
    *operators: str,
    domain: str = "",
    several: bool = False,
    quantises: bool = False,
    inner: bool = False,
    table: dict[tuple[str, str], Rule] = VJP_RULES,
) -> Callable[[Function], Function]:
    """Registers `rule(op, node, gy)` for these operators of `domain`.

    The rule returns one cotangent per input (a single one may stand alone): a tensor of any
    shape that broadcasts with, or sums to, the input's; None for an input without a derivative;
    a function of no arguments for one that is costly or may be refused. Summing to the input's
    shape, fan-out, names, types and dead code are not its concern.
    """

    def register(function: Function) -> Function:
        for operator in operators:
            key = (domain, operator)
            require_free(key, table)
            table[key] = Rule(function, several, quantises, inner=inner)
        return function

    return register


def zero(*operators: str, domain: str = "", why: str) -> None:
    """Declares that these operators have zero derivative, and why."""
    for operator in operators:
        require_free((domain, operator))
        ZERO[domain, operator] = why


def require_free(key: tuple[str, str], table: Mapping[tuple[str, str], Rule] = VJP_RULES) -> None:
    """An operator has one place; a rule beside a zero would never be asked."""
    taken = "a rule" if key in table else "zero derivative" if key in ZERO else ""
    if taken:
        raise CamError(f"{'.'.join(filter(None, key))} has {taken} already")


def key_of(node: Node) -> tuple[str, str]:
    """Where the tables hold a node's operator."""
    domain = node.domain or ""
    return ("" if domain == "ai.onnx" else domain), node.op


def attribute(node: Node, name: str) -> Any:
    """An attribute in normal form; None where it is absent and has no default."""
    return node.attrs.get(name)


def optional(node: Node, position: int) -> Tensor | None:
    """The input at `position`, None where it is left out."""
    if position < len(node.inputs) and node.inputs[position].name:
        return node.inputs[position]
    return None


def refusal(node: Node, why: str = "") -> str:
    """Which operator, which node: one line without the cure."""
    domain, op = key_of(node)
    name = f"{domain}.{op}" if domain else op
    where = f"node '{node.name or node.outputs[0].name}', output '{node.outputs[0].name}'"
    if why:
        return f"no VJP rule for {name} where {why} ({where})"
    pending = "" if domain else NOT_YET.get(op, "")
    return f"no VJP rule for {name} ({pending + ': ' if pending else ''}{where})"


class RefusedError(UnsupportedOpError):
    """An operator without a rule, or in a form that its rule does not know; it knows the node."""

    def __init__(self, node: Node, why: str = "", *, at: Tensor | None = None) -> None:
        """`at`: the input whose derivative is the obstacle; None: any is."""
        self.node, self.why, self.what = node, why, refusal(node, why)
        self.inputs: list[Tensor] = [*reads(node)] if at is None else [at]
        super().__init__(f"{self.what}; choose a later layer, or add a rule in {RULES}")


def unsupported(node: Node, why: str) -> RefusedError:
    """What a rule raises for the forms of its operator that it does not know."""
    return RefusedError(node, why)


def swapped_add(op: Any, x: Tensor, depth: int = 2) -> Tensor:
    """x, by the other order of the Add that makes it where there is one.

    A runtime fuses an Add with the Gelu or LayerNormalization after it only if nobody else reads
    the sum; `b + a` is not merged with `a + b`, to the bit the same. After a Conv it is the Conv
    that the Add is fused with, so there its sum is read.
    """
    makers = op.graph.producer
    node = makers.get(x.name)
    if depth == 0 or node is None or key_of(node) != ("", "Add"):
        return x
    a, b = node.inputs
    convolved = any(t.name in makers and makers[t.name].op == "Conv" for t in (a, b))
    if convolved or a.name == b.name or (depth == 1 and len(op.graph.consumers[x.name]) > 1):
        return x
    return op.Add(swapped_add(op, b, depth - 1), swapped_add(op, a, depth - 1))
