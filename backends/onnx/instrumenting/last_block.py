"""What `gradeclip` sees of the last block, inside the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cam_core.backend import Array
from cam_core.errors import InputError

from ..finding.attention_factors import Part
from ..finding.token_places import Sight
from ..reading.graph import Tensor
from ..writing.arithmetic import as_float32
from ..writing.op import Op
from .again import again
from .trace import Traced


@dataclass(frozen=True)
class Last:
    """The last block, where its keys have these places [*S]."""

    op: Op
    sight: Sight
    places: Array

    def seen(self, g: Any, V: Any, q: Any, k: Any, read: Array | None) -> tuple[Any, Any, Any, Any]:
        """dY/do and the projected queries of what is read, V and the projected keys of the places.

        Raises:
            InputError: its tokens do not attend to one another, or the projection is not known.
        """
        if q.shape[2] != k.shape[2] or not isinstance(q.shape[2], int):
            raise InputError("gradeclip needs a last block whose tokens attend to one another")
        there = self.places.ravel()
        wanted = np.arange(q.shape[2]) if read is None else np.flatnonzero(np.any(read, axis=0))
        alone, rest = np.setdiff1d(wanted, there), np.intersect1d(wanted, there)
        tokens = [self._projected(self._everywhere(q, int(i)))[:, :, :1] for i in alone]
        if rest.size:
            order = np.argsort(there, kind="stable")
            tokens.append(_cut(self._projected(q), order[np.searchsorted(there[order], rest)]))
        one = np.concatenate(tokens, axis=2) if len(tokens) > 1 else tokens[0]
        asked = np.concatenate([alone, rest])
        return _cut(g, asked), _cut(V, there), one, self._projected(k)

    def _everywhere(self, x: Any, token: int) -> Any:
        """One token in place of all."""
        one = self.op.Slice(x.tensor, [token], [token + 1], [2])
        return Traced(self.op, self.op.expand_like(one, x.tensor))

    def _projected(self, x: Any) -> Any:
        """[N, C, places] of [N, heads, tokens, D] after the output projection."""
        part, projected = self.sight.blocks[-1].output, self.sight.projected()
        given = self._in_own_order(x, part)
        made = again(self.op, self.sight.analysis, part.tensor, given, projected).result
        found: Any = self.sight.projected_layout().apply(Traced(self.op, as_float32(self.op, made)))
        return np.reshape(found, (-1, found.shape[1], self.places.size))

    def _in_own_order(self, x: Any, part: Part) -> Tensor:
        """[N, heads, ., .] as the block's tensor lies."""
        extents = [part.tensor.shape[part.labels.index(letter)] for letter in part.order]
        sizes = [extent if isinstance(extent, int) else -1 for extent in extents]
        laid = x if len(sizes) == 4 else np.reshape(x, sizes)
        turned: Any = np.transpose(laid, [part.order.index(letter) for letter in part.labels])
        made = self.op.cast_like(turned.tensor, part.tensor)
        return self.op.typed(made, part.tensor.shape)


def _cut(x: Any, cells: Array) -> Any:
    """These cells of the third axis (of an axis of 4, the tokens); a range of them as a slice."""
    first, last = int(cells[0]), int(cells[-1])
    if np.array_equal(cells, np.arange(first, last + 1)):
        return x[:, :, first : last + 1]
    return np.take(x, cells, axis=2)
