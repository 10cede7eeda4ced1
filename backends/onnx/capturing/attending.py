"""One forward pass, seen at what the model attends to."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cam_core.backend import Array, Target

from ..finding.analysis import Analysis
from ..finding.token_places import Sight, in_order, sight_of
from ..reading.graph import Tensor
from ..running.ort_values import Joined, array_of
from .attending_under import AttentionUnder
from .cut import beside, between, declare_made
from .halves import split, split_apart
from .sessions import Kept, Passes

Opened = Callable[[Any], Any]


class Attended:
    """The blocks of a model, opened once: run on any input."""

    def __init__(self, analysis: Analysis, over: str, opened: Opened, other: Opened) -> None:
        """`opened`: a session of a model; `other`: a backend of one, by the score of this."""
        self.analysis = analysis
        self.sight: Sight = sight_of(analysis, over)
        self._opened, self._other = opened, other

    @functools.cached_property
    def passes(self) -> Passes:
        """The forward pass with all weights, and the gradient there."""
        blocks = self.sight.blocks
        last = blocks[-1]
        wanted = [*(b.weights.tensor.name for b in blocks), last.output.tensor.name]
        parts = (last.values, last.queries, last.keys)
        kept = [*wanted, *(part.tensor.name for part in parts)]
        bare = replace(self.analysis, choices=())
        return Passes(split(bare, wanted, kept=kept), self._opened)

    @functools.cached_property
    def apart(self) -> Passes:
        """The forward pass with the tokens after each block, and each block's own gradient."""
        ends = self.sight.ends()
        leaves = [block.weights.tensor for block in self.sight.blocks]
        pairs = list(zip(ends, leaves, strict=True))
        return Passes(split_apart(replace(self.analysis, choices=()), pairs), self._opened)

    def after(self, tensor: Tensor) -> tuple[Any, list[str]]:
        """A backend of what comes after a tensor, which is its input; what else it is fed."""
        name = str(tensor.name)
        if name not in self._after:
            more = beside(self.analysis, name)
            part = between(self.analysis, [name, *more], [self.analysis.score.name])
            declare_made(part, self.analysis)
            self._after[name] = self._other(part), more
        return self._after[name]

    @functools.cached_property
    def _after(self) -> dict[str, tuple[Any, list[str]]]:
        return {}

    @functools.cached_property
    def made_beside(self) -> Any:
        """Makes what goes round the tensors that `after` begins at."""
        return functools.cache(self._between)

    def _between(self, wanted: tuple[str, ...]) -> Any:
        inputs = [t.name for t in self.analysis.graph.inputs]
        return self._opened(between(self.analysis, inputs, wanted))

    @functools.cached_property
    def projecting(self) -> Any:
        """From o of the last block to what it is projected to."""
        output, projected = str(self.sight.blocks[-1].output.tensor.name), self.sight.projected()
        given = [output, *beside(self.analysis, output)]
        return self._opened(between(self.analysis, given, [projected.name]))


class AttentionPass:
    """One forward pass; `under` a target it is the `Attention` of a question."""

    def __init__(self, attended: Attended, parts: Sequence[Mapping[str, Array]]) -> None:
        self.attended, self.parts = attended, parts

    def under(self, target: Target) -> AttentionUnder:
        """With the gradients of one target."""
        return AttentionUnder(self, target)

    @functools.cached_property
    def kept(self) -> Kept:
        """What the forward pass gave."""
        return self.attended.passes.forward(self.parts)

    @functools.cached_property
    def kept_apart(self) -> Kept:
        """What that with the tokens after each block gave."""
        return self.attended.apart.forward(self.parts)

    @functools.cached_property
    def tensors(self) -> Joined:
        """The same as arrays, batches joined."""
        return Joined(list(self.kept[0]), self.kept)

    @property
    def score(self) -> Array:
        """y."""
        return self.tensors[self.attended.analysis.score.name]

    @property
    def outputs(self) -> Mapping[str, Array]:
        """The model's outputs."""
        own = [t.name for t in self.attended.analysis.graph.outputs]
        return Joined([name for name in own if name in self.kept[0]], self.kept)

    @property
    def rows(self) -> int:
        """N."""
        return len(self.score)

    def array(self, part: Any) -> Array:
        """[N, heads, ., .] of a block's tensor, at least float32."""
        return in_order(self.tensors[part.tensor.name], part, self.rows)

    @functools.cached_property
    def places(self) -> Array:
        """The keys at the places [*S]."""
        sight, values = self.attended.sight, self.attended.sight.blocks[-1].values
        first = array_of(self.kept[0][values.tensor.name])
        return sight.places(values, first, self.rows // len(self.kept))

    def beside(self, names: Sequence[str]) -> list[dict[str, Array]]:
        """Tensors of the model as it ran on each batch, by name."""
        made = tuple(name for name in names if name not in self.parts[0])
        found = [{n: part[n] for n in names if n in part} for part in self.parts]
        if made:
            session = self.attended.made_beside(made)
            wanted = {i.name for i in session.get_inputs()}
            for own, part in zip(found, self.parts, strict=True):
                arrays = session.run(list(made), {n: part[n] for n in wanted})
                own |= dict(zip(made, arrays, strict=True))
        return found
