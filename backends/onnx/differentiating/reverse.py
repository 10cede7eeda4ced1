"""Reverse mode over the graph: from the score's cotangent to the cotangents that are wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cam_core.errors import CamError, LayerError

from ..reading.draws import drawing
from ..reading.graph import Node, Tensor, floating, reads
from ..rules import GUIDED, VJP_RULES, ZERO, RefusedError, Rule, key_of
from ..rules.paths import active, between
from ..rules.spelled_out import taped
from ..writing.bodies import Body
from ..writing.op import Op
from ..writing.valid import blame
from .arrived import Arrived
from .bfloat16 import without_bfloat16

Rules = Mapping[tuple[str, str], Rule]
Found = dict[str, Tensor]
End = tuple[Tensor, Tensor]
"""(tensor, a cotangent of it)."""
Outputs = list[Tensor | None]
"""What arrived at each output of a node."""


def reverse(
    op: Op,
    score: Tensor,
    cotangent: Tensor,
    wanted: Sequence[str],
    *,
    guided: bool = False,
) -> dict[str, Tensor]:
    """Cotangents of the wanted tensors, each of its tensor's shape.

    Raises:
        LayerError: no derivative reaches a wanted tensor.
        RefusedError (an UnsupportedOpError): an operator on the path has no rule.
        ModelError: the shapes or types on the path contradict one another.
    """
    try:
        return _reverse(op, score, cotangent, wanted, guided)
    except CamError:
        raise
    except Exception as error:  # rules take for granted that the model's shapes fit
        where = f"between '{', '.join(wanted)}' and score '{score.name}'"
        raise blame(op.graph.model, where, error) from error


def _reverse(
    op: Op, score: Tensor, cotangent: Tensor, wanted: Sequence[str], guided: bool
) -> dict[str, Tensor]:
    graph = op.graph
    path = active(graph, wanted, score.name)
    for name in wanted:
        if name not in path:
            raise LayerError(
                f"layer '{name}' does not reach the score '{score.name}' by any path that "
                f"carries a derivative; choose a layer from `gradcam layers`"
            )
    rules: Rules = VJP_RULES | GUIDED if guided else VJP_RULES
    leaves = [graph.tensors[name] for name in wanted]
    done = Pass(op, rules).back(graph.nodes, [(score, cotangent)], leaves)
    missing = [name for name in wanted if name not in done]
    if missing:
        raise LayerError(
            f"no derivative arrives at layer '{missing[0]}'; choose another from `gradcam layers`"
        )
    return {name: op.expand_like(done[name], graph.tensors[name]) for name in wanted}


@dataclass(frozen=True)
class Pass:
    """The way back through nodes, written into `op` by a table of derivatives."""

    op: Op
    rules: Rules

    def back(self, nodes: Sequence[Node], ends: Sequence[End], leaves: Sequence[Tensor]) -> Found:
        """What arrives at the leaves, by name, when each end has its cotangent; none: no entry.

        Args:
            nodes: what lies between, in topological order.
            ends: (tensor, its cotangent).
            leaves: where the way back stops; a leaf that feeds another is passed all the same.
        """
        path = between(nodes, [t.name for t in leaves], [t.name for t, _ in ends])
        arrived = Arrived(self.op)
        for tensor, cotangent in ends:
            arrived.begin(tensor, cotangent)
        for node in reversed(nodes):
            outputs = [arrived.total(t) if t.name in path else None for t in node.outputs]
            if key_of(node) in ZERO or not any(t.name in path for t in reads(node)):
                continue
            if all(g is None for g in outputs):
                arrived.pass_zeros(node, path)
                continue
            for x, gx in self.pull(node, outputs, path):
                arrived.add(x, gx)
        found = {leaf.name: arrived.end(leaf) for leaf in leaves}
        return {name: g for name, g in found.items() if g is not None}

    def pull(self, node: Node, outputs: Outputs, path: set[str]) -> Iterator[End]:
        """(tensor on the path that the node reads, a cotangent of it)."""
        rule = self.rules.get(key_of(node))
        if rule is None:
            raise RefusedError(node)
        view = without_bfloat16(self.op, node)
        if view is not node:
            if rule.inner:
                raise RefusedError(node, "it takes or gives bfloat16")
            return self._widened(node, view, outputs, path)
        unknown = [t.name for t in reads(node) if t.name in path and t.shape is None]
        if unknown:
            self._require_known(unknown[0])
            why = f"the rank of '{unknown[0]}' is unknown (export with static shapes)"
            raise RefusedError(node, why)
        way = self._through if rule.body else self._within if rule.inner else self._by_rule
        return way(rule, node, outputs, path)

    def _by_rule(self, rule: Rule, node: Node, outputs: Outputs, path: set[str]) -> Iterator[End]:
        """What the rule gives for each input that is on the path."""
        if not rule.several and any(g is not None for g in outputs[1:]):
            raise RefusedError(node, "its second output is read on the path")
        found = rule.function(self.op, node, tuple(outputs) if rule.several else outputs[0])
        found = list(found) if isinstance(found, tuple | list) else [found]
        for position, x in enumerate(node.inputs):
            gx = found[position] if position < len(found) and x.name in path else None
            gx = gx() if callable(gx) else gx
            if gx is None and x.name in path and floating(x):
                why = f"input {position} ('{x.name}') depends on the layer"
                raise RefusedError(node, why, at=x)
            if gx is not None:
                yield x, gx

    def _widened(self, node: Node, view: Node, outputs: Outputs, path: set[str]) -> Iterator[End]:
        """By way of `view`, which has other tensors in the places of those that the node reads."""
        own = {v.name: x for v, x in zip(view.inputs, node.inputs, strict=True)}
        try:
            for v, g in self.pull(view, outputs, {v for v, x in own.items() if x.name in path}):
                yield own[v.name], g
        except RefusedError as error:
            at = own[error.inputs[0].name] if len(error.inputs) == 1 else None
            raise RefusedError(node, error.why, at=at) from error

    def _through(self, rule: Rule, node: Node, outputs: Outputs, path: set[str]) -> Iterator[End]:
        """Through the operators that a node stands for; what it refuses is refused in its name."""
        leaves = _leaves(node, path)
        ends = [(y, g) for y, g in zip(node.outputs, outputs, strict=True) if g is not None]
        tape = taped(self.op, rule, node)
        try:
            found = self.back(tape, ends, leaves)
        except RefusedError as error:
            raise RefusedError(
                node, f"its {error.node.op} has no rule{': ' * bool(error.why)}{error.why}"
            ) from error
        yield from ((leaf, found[leaf.name]) for leaf in leaves if leaf.name in found)

    def _within(self, rule: Rule, node: Node, outputs: Outputs, path: set[str]) -> Iterator[End]:
        """Into the bodies of a node; what is refused in there is refused in its name."""
        leaves = _leaves(node, path)
        for x in reads(node):
            if x.dtype is None or getattr(x, "type", "tensor_type") != "tensor_type":
                raise RefusedError(node, f"it reads '{x.name}', which is no tensor of a known type")
        drawn = drawing(node, lambda name: self.op.value(self.op.graph.tensors.get(name)))
        if drawn is not None:
            raise RefusedError(node, f"its body draws at random ({drawn.op}) and is run again")

        def back(body: Body, ends: Sequence[End], wanted: Sequence[Tensor]) -> Found:
            try:
                return Pass(body.op, self.rules).back(body.nodes, ends, wanted)
            except RefusedError as error:
                raise RefusedError(node, f"its body holds this: {error.what}") from error

        found = rule.function(self.op, node, outputs, leaves, back)
        yield from ((leaf, found[leaf.name]) for leaf in leaves if leaf.name in found)

    def _require_known(self, name: str) -> None:
        """Refuses the operator in whose form it is that nothing is known of a tensor's shape."""
        makers = self.op.graph.producer
        maker = makers.get(name)
        while maker is not None:
            rule = self.rules.get(key_of(maker))
            before = [t.name for t in maker.inputs if t.name and t.shape is None]
            if not before and rule is not None and rule.body:
                taped(self.op, rule, maker)
            maker = makers.get(before[0]) if before else None


def _leaves(node: Node, path: set[str]) -> list[Tensor]:
    """What the node reads of the path, each once."""
    return list({t.name: t for t in reads(node) if t.name in path}.values())
