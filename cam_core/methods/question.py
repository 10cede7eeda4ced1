"""One target at one layer of one look: all that a method may ask of the model."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from ..backend import Array, Backend, Capture, InputInfo, Inputs, Look
from ..maps.combine import laid_over, widened
from ..targets.target import NONE, ScoredTarget
from .answered import Answer, Blocks, Kept, in_blocks, scores, split, steps
from .attention import Attention
from .curvature import curved
from .doors import attending, guiding, head_weights
from .method import Pulls
from .passes import BATCH, BLOCK, looks, suited_to
from .picture import by_name, channel_axis_of, channels_first, pictured, places_of

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
        told: hears how much of a long row of passes is done, from 0 to 1.
        pixels: what the look gives of that gradient of the inputs, by name; {}: another look does.
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
        told: Callable[[float], None] = lambda share: None,
        pixels: Callable[[Pulls], Mapping[str, Array]] = lambda asked: {},
    ) -> None:
        self.backend, self.x, self.look = backend, x, look
        self.layer, self.target = layer, target
        self._captured, self._made, self._told, self._pixels = capture, made, told, pixels

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
    def HA(self) -> Array:
        """H A [N, K, *S], H = d2Y/dA2, at least float32: of y, and of what Y makes of y.

        Raises:
            InputError: the backend has no second derivatives.
        """
        return curved(self.backend, self.x, self.look, self.layer, self.target)

    @functools.cached_property
    def X(self) -> Array:
        """The picture [N, C, *S], at least float32."""
        return widened(self.as_channels_first(self.picture))

    @functools.cached_property
    def GX(self) -> Array:
        """dY/dX [N, C, *S], at least float32."""
        return self._slope("plain")

    @functools.cached_property
    def R(self) -> Array:
        """dY/dX [N, C, *S] by guided backpropagation, at least float32."""
        return self._slope("guided")

    def _slope(self, asked: Pulls) -> Array:
        """Of the look itself, where it was made ready for it; else by one more."""
        found = self._pixels(asked).get(self.input.name)
        if found is None:
            (found,) = self.gradients([self.picture], guided=asked == "guided")
        return widened(self.as_channels_first(found))

    def over_input(self, maps: Array) -> Array:
        """Maps of the layer [N, *S] at the cells of X, which a product broadcasts to."""
        return laid_over(maps, self.X.shape[2:], self.look.regions.get(self.layer))

    @functools.cached_property
    def held(self) -> ScoredTarget:
        """The target about the classes that are its here, where a change makes others the top."""
        return self.target.held(self.look.score)

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

    def tails(self, changed: Iterable[Array], batch: int = BATCH, *, key: Hashable = None) -> Array:
        """Y [k, N] of k changed activations [N, K, *S]; nothing before the layer is run again.

        `key`: what they are called, if the next target asks for the same ones: then it gets its Y
        from the scores of the first, and `changed` is not read.
        """
        most = min(batch // max(1, len(self.A)), BLOCK // max(1, self.A.nbytes))
        return self._scores(changed, self._tailed(changed, most), key and ("tails", key))

    def answered(self, y: Iterable[Array], *, key: Hashable = None) -> Array:
        """Y [k, N] of the scores [N, C] of k changed activations, where they need no run."""
        return self._scores(y, ((one, NONE) for one in y), key and ("tails", key))

    def passes(
        self, changed: Iterable[Array], batch: int | None = None, *, key: Hashable = None
    ) -> Array:
        """Y [k, N] of k changed pictures, each like `picture`, by as many forward passes.

        `key`: as of `tails`. `batch`: what suits the device if None.
        """
        return self._scores(changed, self._passed(changed, batch), key and ("passes", key))

    def gradients(
        self, changed: Iterable[Array], *, guided: bool = False, batch: int = BATCH
    ) -> Iterator[Array]:
        """dY/dx of each of some changed pictures, of the shape of `picture`."""
        name = self.input.name
        for count, look in self._looks(changed, (), (name,), batch=batch, guided=guided):
            found = look.pull(Blocks(self.held, self.rows)).inputs[name]
            yield from np.split(found, count)

    def at_layer(
        self, changed: Iterable[Array], batch: int = BATCH
    ) -> Iterator[tuple[Array, Array]]:
        """A and G of the layer at each of some changed pictures, at least float32."""
        for count, look in self._looks(changed, (self.layer,), (), batch=batch):
            (name,) = look.layers
            G = look.pull(Blocks(self.held, self.rows)).layers[name]
            parts = (np.split(widened(v), count) for v in (look.activations[name], G))
            yield from zip(*parts, strict=True)

    @functools.cached_property
    def input(self) -> InputInfo:
        """The input whose places the layer has; else the first picture, else the first input."""
        return pictured(self.backend.inputs(), self._over)

    @property
    def _over(self) -> str:
        """The input whose places the layer has; '' where nobody knows."""
        region = self.look.regions.get(self.layer)
        return "" if region is None else region.input

    @functools.cached_property
    def picture(self) -> Array:
        """That input as it was fed, [N, ...] in the model's own layout."""
        return np.asarray(by_name(self.x, self.input)[self.input.name])

    @property
    def channel_axis(self) -> int | None:
        """Of the picture; the features of a vector are its places, they are told apart."""
        return channel_axis_of(self.picture, self.input)

    @property
    def space(self) -> tuple[int, ...]:
        """The axes of the picture that are places: those of no rows and no channels."""
        return places_of(self.picture, self.input)

    def as_channels_first(self, values: Array) -> Array:
        """An array like `picture` as [N, C, *S]; what has no channels gets one."""
        return channels_first(values, self.channel_axis)

    def head(self) -> Array:
        """The weights [C, K] of a head that is a mean over the layer's places and one product.

        Raises:
            InputError: the backend does not know, or the target is about another output.
            LayerError: what follows the layer is something else.
        """
        return head_weights(self.backend, self.layer, own=not self.target.tensor)

    @functools.cached_property
    def attention(self) -> Attention:
        """What the model attends to; its gradients are made when they are first read.

        Raises:
            InputError: the backend does not know, or there is no attention that it recognises.
        """
        seen = self.once("attention", lambda: attending(self.backend)(self.x, self._over))
        found: Attention = seen.under(self.target)
        return found

    def guided(self) -> Backend:
        """The model with guided backpropagation in place of its gradient, if there is one."""
        return self.once("guided", guiding(self.backend))

    @property
    def guided_note(self) -> str:
        """Where guided backpropagation is the plain gradient, once it was asked for; mostly ''."""
        return str(getattr(self.guided(), "guided_note", ""))

    def _looks(
        self, changed: Iterable[Array], *asked: Sequence[str], batch: int, guided: bool = False
    ) -> Iterator[tuple[int, Look]]:
        """Looks at some changed pictures at a time, and how many each of them is of."""
        backend, given = self.guided() if guided else self.backend, by_name(self.x, self.input)
        return looks(backend, given, self.input, changed, batch // max(1, self.rows), *asked)

    def _scores(self, changed: Iterable[Array], answers: Iterator[Answer], key: Hashable) -> Array:
        kept = self.once(key, Kept) if key else None
        return scores(self.held, answers, kept, steps(self._told, changed))

    def _tailed(self, changed: Iterable[Array], most: int) -> Iterator[Answer]:
        run = self.look.tail(self.layer)
        for count, blocks in in_blocks(changed, most):
            yield from ((y, NONE) for y in np.split(run(blocks), count))

    def _passed(self, changed: Iterable[Array], batch: int | None) -> Iterator[Answer]:
        batch = suited_to(self.backend.provider) if batch is None else batch
        for count, look in self._looks(changed, (), (), batch=batch):
            outputs = split(look.outputs, count, self.rows)
            yield from zip(np.split(look.score, count), outputs, strict=True)
