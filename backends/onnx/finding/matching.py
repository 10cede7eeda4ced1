"""Finds in a graph the nodes that compute a pattern, its constants and operands in any order."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from ..reading.graph import Graph, Node, Tensor
from .patterns import SCALARS, Call, Name, Number, Pattern, Product, Sum

COMMUTATIVE = {"Max", "Min"}
DEPTH = 5
"""How many multiplications deep a product is taken apart."""

Bindings: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Found:
    """What a pattern's names are bound to, and the nodes that it covers."""

    bindings: Bindings
    nodes: tuple[Node, ...]

    def bind(self, name: str, value: Any) -> Iterator[Found]:
        """Itself with one name more, if nothing else has that name."""
        if name not in self.bindings:
            yield Found({**self.bindings, name: value}, self.nodes)
        elif _same(self.bindings[name], value):
            yield self

    def cover(self, *nodes: Node) -> Found:
        return Found(self.bindings, (*self.nodes, *nodes))


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-6)
    named = hasattr(a, "name") and hasattr(b, "name")
    return bool(a.name == b.name) if named else bool(a == b)


class Matcher:
    """Finds patterns in one graph; no inner tensor of a find is in `keep`."""

    def __init__(self, graph: Graph, keep: Collection[str]) -> None:
        self.graph = graph
        self.keep = frozenset(keep) | graph.output_names

    def find(self, pattern: Pattern, root: Node) -> Found | None:
        """The first way in which `root` computes the pattern with nobody looking inside."""
        for found in self._match(pattern, root.outputs[0], Found({}, ())):
            if self._closed(found, root):
                return found
        return None

    def _closed(self, found: Found, root: Node) -> bool:
        """Is every inner tensor read by the covered nodes only?"""
        covered = {id(node) for node in found.nodes}
        return all(
            t.name not in self.keep
            and all(id(reader) in covered for reader in self.graph.consumers.get(t.name, ()))
            for node in found.nodes
            if node is not root
            for t in node.outputs
        )

    def _match(self, pattern: Pattern, tensor: Tensor, so_far: Found) -> Iterator[Found]:
        match pattern:
            case Number(value):
                if self._is(tensor, value):
                    yield so_far
            case Name(name) if name in SCALARS:
                number = self._scalar(tensor)
                if number is not None:
                    yield from so_far.bind(name, number)
            case Name(name):
                yield from so_far.bind(name, tensor)
            case Sum():
                yield from self._sum(pattern, tensor, so_far)
            case Call():
                yield from self._call(pattern, tensor, so_far)
            case Product():
                yield from self._product(pattern, tensor, so_far)

    def _maker(self, tensor: Tensor, op: str) -> Node | None:
        node = self.graph.producer.get(tensor.name)
        plain = node is not None and node.op == op and node.domain in ("", None, "ai.onnx")
        return node if plain else None

    def _sum(self, pattern: Sum, tensor: Tensor, so_far: Found) -> Iterator[Found]:
        node = self._maker(tensor, pattern.op)
        if node is None:
            return
        sides = [(pattern.left, pattern.right)]
        if pattern.op == "Add":
            sides.append((pattern.right, pattern.left))
        for left, right in sides:
            for found in self._match(left, node.inputs[0], so_far.cover(node)):
                yield from self._match(right, node.inputs[1], found)

    def _call(self, pattern: Call, tensor: Tensor, so_far: Found) -> Iterator[Found]:
        node = self._maker(tensor, pattern.op)
        if node is None or len(node.inputs) != len(pattern.arguments):
            return
        if not node.attrs.get("keepdims", 1) or not all(
            math.isclose(node.attrs[k], v, rel_tol=2e-5, abs_tol=1e-9) for k, v in pattern.attrs
        ):
            return
        orders = [node.inputs, node.inputs[::-1]] if pattern.op in COMMUTATIVE else [node.inputs]
        for inputs in orders:
            yield from self._arguments(pattern.arguments, list(inputs), so_far.cover(node))

    def _arguments(
        self, patterns: tuple[Pattern, ...], inputs: list[Tensor], so_far: Found
    ) -> Iterator[Found]:
        if patterns == (patterns[0], Name("axes")):
            axes = self.graph.value(inputs[1])
            if axes is None or inputs[0].shape is None:
                return
            rank = len(inputs[0].shape)
            normal = tuple(sorted(int(a) % rank for a in np.ravel(axes)))
            for found in so_far.bind("axes", normal):
                yield from self._match(patterns[0], inputs[0], found)
            return
        for found in self._match(patterns[0], inputs[0], so_far):
            if patterns[1:]:
                yield from self._arguments(patterns[1:], inputs[1:], found)
            else:
                yield found

    def _product(self, pattern: Product, tensor: Tensor, so_far: Found) -> Iterator[Found]:
        for coefficient, atoms, nodes in self._readings(tensor):
            if len(atoms) != len(pattern.factors):
                continue
            start = so_far.cover(*nodes)
            if isinstance(pattern.coefficient, str):
                starts = start.bind(pattern.coefficient, coefficient)
            else:
                close = math.isclose(coefficient, pattern.coefficient, rel_tol=self._slack(tensor))
                starts = iter([start] if close else [])
            for begun in starts:
                yield from self._factors(pattern.factors, atoms, begun)

    def _factors(
        self, factors: tuple[tuple[Pattern, float], ...], atoms: list[tuple[Tensor, float]],
        so_far: Found,
    ) -> Iterator[Found]:  # fmt: skip
        if not factors:
            yield so_far
            return
        (pattern, exponent), *rest = factors
        for i, (tensor, power) in enumerate(atoms):
            if power == exponent:
                for found in self._match(pattern, tensor, so_far):
                    yield from self._factors(tuple(rest), atoms[:i] + atoms[i + 1 :], found)

    def _readings(
        self, tensor: Tensor
    ) -> Iterator[tuple[float, list[tuple[Tensor, float]], list[Node]]]:
        """The tensor as the product that its nodes compute, then as a factor of its own."""
        nodes: list[Node] = []
        powers: dict[str, float] = {}
        tensors: dict[str, Tensor] = {}

        def gather(t: Tensor, exponent: float, depth: int) -> float:
            parts = self._parts(t) if depth == 0 or (depth < DEPTH and self._inner(t)) else None
            if parts is None:
                powers[t.name] = powers.get(t.name, 0.0) + exponent
                tensors[t.name] = t
                return 1.0
            node, factors = parts
            nodes.append(node)
            coefficient = 1.0
            for factor, power in factors:
                number = self._scalar(factor)
                if number:
                    coefficient *= abs(number) ** (power * exponent) * math.copysign(1, number)
                elif power in (1.0, -1.0):
                    coefficient *= gather(factor, power * exponent, depth + 1)
                else:  # the base of a power stays whole: (x^2)^0.5 is not x
                    coefficient *= gather(factor, power * exponent, DEPTH)
            return coefficient

        coefficient = gather(tensor, 1.0, 0)
        if nodes:
            yield coefficient, [(tensors[n], p) for n, p in powers.items()], nodes
        yield 1.0, [(tensor, 1.0)], []

    def _parts(self, tensor: Tensor) -> tuple[Node, list[tuple[Tensor, float]]] | None:
        """(node, its factors and their exponents) where a product makes the tensor."""
        node = self.graph.producer.get(tensor.name)
        if node is None or node.domain not in ("", None, "ai.onnx"):
            return None
        if node.op == "Mul":
            return node, [(node.inputs[0], 1.0), (node.inputs[1], 1.0)]
        if node.op == "Div":
            return node, [(node.inputs[0], 1.0), (node.inputs[1], -1.0)]
        if node.op == "Reciprocal":
            return node, [(node.inputs[0], -1.0)]
        if node.op == "Sqrt":
            return node, [(node.inputs[0], 0.5)]
        if node.op == "Pow":
            exponent = self._scalar(node.inputs[1])
            return None if exponent is None else (node, [(node.inputs[0], exponent)])
        return None

    def _inner(self, tensor: Tensor) -> bool:
        """May a product be taken apart here: one reader, and nobody wants the tensor itself?"""
        readers = self.graph.consumers.get(tensor.name, ())
        return len(readers) == 1 and tensor.name not in self.keep

    def _scalar(self, tensor: Tensor) -> float | None:
        value = self.graph.value(tensor)
        if value is None or value.size != 1 or not np.issubdtype(value.dtype, np.number):
            return None
        return float(value.reshape(()))

    def _is(self, tensor: Tensor, number: float) -> bool:
        value = self._scalar(tensor)
        return value is not None and math.isclose(
            value, number, rel_tol=self._slack(tensor), abs_tol=1e-9
        )

    def _slack(self, tensor: Tensor) -> float:
        """How far a constant may be from its nominal value: exporters round to 5 digits or so."""
        narrow = tensor.dtype is not None and np.dtype(tensor.dtype).itemsize < 4
        return 1e-3 if narrow else 2e-5
