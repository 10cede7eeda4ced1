"""One target at one layer of one look: all that a method may ask of the model."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

import numpy as np

from ..backend import Array, Backend, Capture, InputInfo, Inputs, Look
from ..errors import InputError
from ..targets.target import ScoredTarget
from .attention import Attention

BATCH = 32
"""How many changed inputs, or activations, are scored at once."""
Made = TypeVar("Made")


class Question:
    """What a method of more than A and G is computed from.

    N is the number of rows that are explained. Changed inputs and activations come in blocks of N
    rows, each of them like the original; Y of a block is [N].

    Args:
        backend: the model.
        x: what it was fed.
        look: the look of x that has the target's number.
        layer: where the map is, by its own name.
        target: what is explained.
        capture: makes A and G of that layer, by a backward pass at the first call.
        made: what targets of one look may share, see `once`.
    """

    def __init__(
        self,
        backend: Backend,
        x: Inputs,
        look: Look,
        layer: str,
        target: ScoredTarget,
        capture: Callable[[], Capture],
        made: dict[Hashable, Any],
    ) -> None:
        self.backend, self.x, self.look = backend, x, look
        self.layer, self.target = layer, target
        self._captured, self._made = capture, made

    @functools.cached_property
    def capture(self) -> Capture:
        """A and G of the layer as the model gives them."""
        return self._captured()

    @property
    def rows(self) -> int:
        """N."""
        return len(self.look.score)

    @functools.cached_property
    def A(self) -> Array:
        """The layer's activations [N, K, *S], at least float32."""
        return widened(self.look.activations[self.layer])

    @functools.cached_property
    def G(self) -> Array:
        """dY/dA [N, K, *S], at least float32."""
        return widened(self.capture.gradients)

    @functools.cached_property
    def X(self) -> Array:
        """The picture [N, C, *S], at least float32."""
        return widened(self.as_channels_first(self.picture))

    @functools.cached_property
    def GX(self) -> Array:
        """dY/dX [N, C, *S], at least float32; one more pass forward and back."""
        (found,) = self.gradients([self.picture])
        return widened(self.as_channels_first(found))

    @functools.cached_property
    def Y(self) -> Array:
        """The target's number [N]."""
        return self.target.score(self.look.score, self.look.outputs)

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What does not depend on the target, made for the first of them."""
        if key not in self._made:
            self._made[key] = make()
        found: Made = self._made[key]
        return found

    def tails(self, changed: Iterable[Array], batch: int = BATCH) -> Array:
        """Y [k, N] of k changed activations [N, K, *S]; nothing before the layer is run again."""
        run = self.look.tail(self.layer)
        found: list[Array] = []
        for blocks in _batched(changed, batch // max(1, len(self.A))):
            y = run(np.concatenate(blocks))
            found += [self.target.score(block) for block in np.split(y, len(blocks))]
        return np.stack(found)

    def passes(self, changed: Iterable[Array], batch: int = BATCH) -> Array:
        """Y [k, N] of k changed pictures, each like `picture`, by as many forward passes."""
        found: list[Array] = []
        for count, look in self._looks(changed, (), (), batch):
            parts = zip(
                np.split(look.score, count),
                _split(look.outputs, count, self.rows),
                strict=True,
            )
            found += [self.target.score(y, outputs) for y, outputs in parts]
        return np.stack(found)

    def gradients(
        self, changed: Iterable[Array], *, guided: bool = False, batch: int = BATCH
    ) -> Iterator[Array]:
        """dY/dx of each of some changed pictures, of the shape of `picture`."""
        name = self.input.name
        for count, look in self._looks(changed, (), (name,), batch, guided=guided):
            found = look.pull(Blocks(self.target, self.rows)).inputs[name]
            yield from np.split(found, count)

    def at_layer(
        self, changed: Iterable[Array], batch: int = BATCH
    ) -> Iterator[tuple[Array, Array]]:
        """A and G of the layer at each of some changed pictures, at least float32."""
        for count, look in self._looks(changed, (self.layer,), (), batch):
            (name,) = look.layers
            G = look.pull(Blocks(self.target, self.rows)).layers[name]
            parts = (np.split(widened(v), count) for v in (look.activations[name], G))
            yield from zip(*parts, strict=True)

    @functools.cached_property
    def input(self) -> InputInfo:
        """The input whose places the layer has; else the first picture, else the first input."""
        infos = [info for info in self.backend.inputs() if np.issubdtype(info.dtype, np.floating)]
        if not infos:
            raise InputError("the model takes no floats: its input cannot be changed a little")
        region = self.look.regions.get(self.layer)
        name = "" if region is None else region.input
        named = [info for info in infos if info.name == name]
        pictures = [info for info in infos if info.channel_axis is not None]
        return (named or pictures or infos)[0]

    @functools.cached_property
    def picture(self) -> Array:
        """That input as it was fed, [N, ...] in the model's own layout."""
        given = self.x if isinstance(self.x, Mapping) else {self.input.name: self.x}
        return np.asarray(given[self.input.name])

    def as_channels_first(self, values: Array) -> Array:
        """An array like `picture` as [N, C, *S]; what has no channels gets one."""
        axis = self.input.channel_axis
        if axis is None:
            return values[:, None] if values.ndim in (2, 3) else values
        return np.moveaxis(values, axis, 1)

    @functools.cached_property
    def attention(self) -> Attention:
        """What the model attends to; its gradients are made when they are first read.

        Raises:
            InputError: the backend does not know, or there is no attention that it recognises.
        """
        attend = getattr(self.backend, "attend", None)
        if attend is None:
            raise InputError("this backend sees no attention weights: open the .onnx file")
        over = self.look.regions.get(self.layer)

        def seen() -> Any:
            tensor = self.target.tensor
            backend: Any = self.backend.scored(tensor) if tensor else self.backend
            return backend.attend(self.x, "" if over is None else over.input)

        found: Attention = self.once("attention", seen).under(self.target)
        return found

    def guided(self) -> Backend:
        """The model with guided backpropagation in place of its gradient.

        Raises:
            InputError: the backend has none.
        """
        make = getattr(self.backend, "as_guided", None)
        if make is None:
            raise InputError("this backend has no guided backpropagation: open the .onnx file")
        found: Backend = make()
        return found

    def _looks(
        self,
        changed: Iterable[Array],
        layers: Sequence[str],
        inputs: Sequence[str],
        batch: int,
        *,
        guided: bool = False,
    ) -> Iterator[tuple[int, Look]]:
        """Looks at some changed pictures at a time, and how many each of them is of."""
        backend = self.guided() if guided else self.backend
        most = batch // max(1, self.rows) if self.input.row_axis == 0 else 1
        for blocks in _batched(changed, most):
            count = len(blocks)
            yield count, backend.look(self._fed(blocks), layers=layers, inputs=inputs)

    def _fed(self, blocks: Sequence[Array]) -> dict[str, Array]:
        """What the model is fed with these pictures, one block after the other."""
        given = dict(self.x) if isinstance(self.x, Mapping) else {self.input.name: self.x}
        each_row = {info.name for info in self.backend.inputs() if info.row_axis == 0}
        fed = {
            name: np.concatenate([array] * len(blocks)) if name in each_row else np.asarray(array)
            for name, array in given.items()
        }
        return fed | {self.input.name: np.concatenate(blocks).astype(self.picture.dtype)}


class Blocks:
    """A target of N rows, of k blocks of as many."""

    def __init__(self, target: ScoredTarget, rows: int) -> None:
        self._target, self._rows = target, rows

    def __call__(self, y: Array, outputs: Mapping[str, Array]) -> Array:
        """dY/dy [k N, ...]."""
        count = len(y) // self._rows
        parts = zip(np.split(y, count), _split(outputs, count, self._rows), strict=True)
        return np.concatenate([self._target(block, own) for block, own in parts])


def widened(values: Array) -> Array:
    """Float16 as float32, to sum over space without overflow."""
    return values.astype(np.promote_types(values.dtype, np.float32), copy=False)


def _split(outputs: Mapping[str, Array], count: int, rows: int) -> list[dict[str, Array]]:
    """The outputs of each block; those that have no row for each stay whole."""
    if count == 1:
        return [dict(outputs)]
    found: list[dict[str, Array]] = [{} for _ in range(count)]
    for name, values in outputs.items():
        whole = not values.ndim or len(values) != count * rows
        parts = [values] * count if whole else np.split(values, count)
        for own, part in zip(found, parts, strict=True):
            own[name] = part
    return found


def _batched(values: Iterable[Array], count: int) -> Iterator[tuple[Array, ...]]:
    """So many of them at a time, at least one."""
    rest = iter(values)
    while found := tuple(islice(rest, max(1, count))):
        yield found
