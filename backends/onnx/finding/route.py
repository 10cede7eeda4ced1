"""The ways from the inputs to the score: which maps lie on them, and which on all of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from ..reading.graph import Graph, Node, Tensor, floating, reads
from ..reading.kinds import MIXERS, RECURRENT
from ..reading.units import computes, units_of
from ..rules import ZERO, key_of
from ..rules.paths import active
from .maps import Maps
from .scores import Score


class Route:
    """What lies between the inputs and the score of one graph."""

    def __init__(self, graph: Graph, maps: Maps, score: Score) -> None:
        self.graph, self.maps, self.score = graph, maps, score
        sources = [t.name for t in graph.inputs if floating(t)]
        every = [t.name for t in graph.inputs]  # pixels may come as bytes
        self.path = active(graph, sources, score.name) or active(graph, every, score.name)
        """Names of the tensors on a derivative-carrying path from an input to the score."""

    @functools.cached_property
    def spatial_maps(self) -> list[Tensor]:
        """The maps on the path, in execution order."""
        tensors = (t for node in self.graph.nodes for t in node.outputs)
        return [t for t in tensors if t.name in self.path and self.spatial(t)]

    def spatial(self, tensor: Tensor) -> bool:
        """Is it a map of the model's own batch, made by an operator, before the score?"""
        return (
            tensor.name != self.score.name
            and tensor.name in self.graph.producer
            and self.held(tensor)
            and (floating(tensor) or self._quantised(tensor))
            and self.extended(tensor)
            and self.own_batch(tensor)
            and not self.maps.apart(tensor)
        )

    @functools.cached_property
    def weighed(self) -> set[str]:
        """Names of the tensors that weights had a part in: what lies before are pixels."""
        found: set[str] = set()
        for node in self.graph.nodes:
            sums = computes(node) in MIXERS or node.op in RECURRENT
            if sums or not found.isdisjoint(t.name for t in reads(node)):
                found.update(t.name for t in node.outputs)
        return found

    def held(self, tensor: Tensor) -> bool:
        """Does the file hold it? What is made inside a fused operator it does not."""
        return tensor.name in self.graph.tensors

    def _quantised(self, tensor: Tensor) -> bool:
        """Is it the result of integer arithmetic, in known units? (A quantiser's is a copy.)"""
        made = self.graph.producer[tensor.name].op
        return made != "QuantizeLinear" and units_of(self.graph, tensor) is not None

    def extended(self, tensor: Tensor) -> bool:
        """Has it more than one place?"""
        return any(d != 1 for d in self.maps.space(tensor))

    def own_batch(self, tensor: Tensor) -> bool:
        """Has it the rows of the score (and not heads, queries or what is pooled of them)?"""
        return self.maps.own_batch(tensor)

    @functools.cached_property
    def dense(self) -> bool:
        """Does the score say something at each place, or each anchor, of a picture?"""
        return self.maps.placed(self.score.tensor) or self.score.own_classes

    def after(self, tensor: Tensor) -> set[str]:
        """Names of the tensors between this one and the score, both included."""
        return active(self.graph, [tensor.name], self.score.name)

    def cuts(self) -> set[str]:
        """Tensors on every path: when one is made, nothing older is still waiting to be read."""
        last: dict[str, int] = {}
        for i, node in enumerate(self.graph.nodes):
            if key_of(node) not in ZERO and any(t.name in self.path for t in node.outputs):
                last.update((t.name, i) for t in reads(node) if t.name in self.path)
        found = set()
        waiting = max((last.get(t.name, -1) for t in self.graph.inputs), default=-1)
        for i, node in enumerate(self.graph.nodes):
            made = [t.name for t in node.outputs if t.name in self.path]
            if len(made) == 1 and waiting <= i:
                found.add(made[0])
            waiting = max([waiting, *(last.get(name, -1) for name in made)])
        return found

    def branch_ends(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Those of the maps after which no other of them follows."""
        names = {t.name for t in maps}
        leads = self._leading_to(lambda node: any(t.name in names for t in node.outputs))
        return [t for t in maps if t.name not in leads]

    @functools.cached_property
    def mixed(self) -> set[str]:
        """Names of the tensors on the path whose channels an operator after them mixes."""
        return self._leading_to(lambda node: computes(node) in MIXERS)

    def _leading_to(self, end: Callable[[Node], bool]) -> set[str]:
        """Names of the tensors on the path after which there is an operator as `end` says."""
        leads: set[str] = set()
        for node in reversed(self.graph.nodes):
            made = [t.name for t in node.outputs if t.name in self.path]
            if made and key_of(node) not in ZERO and (end(node) or not leads.isdisjoint(made)):
                leads.update(t.name for t in reads(node) if t.name in self.path)
        return leads
