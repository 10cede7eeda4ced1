"""The contract between the mathematics and whatever runs the model.

Protocols, not base classes: a backend needs no import of this package to satisfy them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np

from .head import Head
from .region import Region

Array = np.ndarray[Any, np.dtype[Any]]
Inputs = Array | Mapping[str, Array]
"""One input, or several by name."""

Target = Callable[[Array, Mapping[str, Array]], Array]
"""(score tensor y, all outputs by name) -> cotangent dY/dy, of y's shape."""


@dataclass(frozen=True)
class Capture:
    """One forward and one backward pass, seen at one target layer.

    The arrays may be read-only: captures of one forward pass share them.
    """

    layer: str
    logits: Array
    """y [N, C] before softmax, or the score tensor in its own shape."""
    activations: Array
    """A [N, K, *S]."""
    gradients: Array
    """G = dY/dA [N, K, *S]."""
    input_gradients: Mapping[str, Array] | None = None
    """dY/dx by input name, when asked for."""
    within: tuple[slice, ...] | None = None
    """The places of S outside which G is 0, where that is known."""
    outputs: Mapping[str, Array] = field(default_factory=dict)
    """All outputs of the model, by name."""
    region: Region | None = None
    """What of an input the maps cover; None: all of it, or nobody knows."""

    @property
    def lit(self) -> Array:
        """The part of G outside which it is 0; all of it where nobody knows."""
        return self.gradients if self.within is None else self.gradients[:, :, *self.within]


@dataclass(frozen=True)
class Gradients:
    """What one backward pass gives."""

    layers: Mapping[str, Array]
    """G = dY/dA [N, K, *S], by layer."""
    inputs: Mapping[str, Array] = field(default_factory=dict)
    """dY/dx of the inputs that were asked for, by name."""
    within: Mapping[str, tuple[slice, ...]] = field(default_factory=dict)
    """The places of S outside which G is 0, by layer, where that is known."""


class Look(Protocol):
    """One forward pass, made once: pulled for any number of targets, and run on from its layers.

    The arrays are read-only, and stay as they are whatever is done with x afterwards; of x a look
    may hold what is read-only, which nobody writes to. A look that pulls several targets for less
    than one after another has `pull_first(targets)`: the `Gradients` of the first of them, of one
    at least, and of as many more as it takes at once.
    """

    @property
    def score(self) -> Array:
        """y as the model gives it: [N, C] before softmax, or the score tensor's own shape."""
        ...

    @property
    def outputs(self) -> Mapping[str, Array]:
        """All outputs of the model, by name."""
        ...

    @property
    def layers(self) -> Sequence[str]:
        """The layers' own names, in the order in which they were asked for."""
        ...

    @property
    def activations(self) -> Mapping[str, Array]:
        """A [N, K, *S] by the layer's own name."""
        ...

    @property
    def regions(self) -> Mapping[str, Region]:
        """What of an input a layer's maps cover, where it is known."""
        ...

    def pull(self, target: Target) -> Gradients:
        """The gradients of one target, by one backward pass.

        Raises:
            TargetError: the cotangent has not the score's shape.
            UnsupportedOpError: an operator between layer and score has no derivative.
        """
        ...

    def tail(self, layer: str) -> Callable[[Array], Array]:
        """What runs the model on from one of the layers: A' [M, K, *S] -> the score of M rows.

        The layer is named as it was asked for, or by its own name.
        Nothing before the layer is run again. M = k N: A' is k blocks of N rows, and row i of each
        block goes with row i of x, whose summary tokens, skips and other inputs it gets. The score
        comes in the same order.

        Raises:
            LayerError: a layer that was not looked at; when called, an A' of another shape.
        """
        ...


@dataclass(frozen=True)
class Layer:
    """A tensor one may look at."""

    name: str
    """What `look(x, layers=[name])` takes."""
    operator: str
    """The operator (or module class) that makes it."""
    shape: tuple[int | str | None, ...]
    """Its own shape, before it is brought to [N, K, *S]; a str or None is a dynamic extent."""
    module: str = ""
    """The torch module path it comes from, where known."""
    default: bool = False
    """True for the layer that is taken when none is named; the scales of a detector are several."""
    input: str = ""
    """The input whose places its maps have; '' where nobody knows."""
    default_over: bool = False
    """True for the layer that is taken for a map over that input."""


@dataclass(frozen=True)
class InputInfo:
    """What the model takes."""

    name: str
    shape: tuple[int | str | None, ...]
    """Static extents as int; a str or None is a dynamic one."""
    dtype: np.dtype[Any]
    channel_axis: int | None = None
    """Where the colour channels are, for an image input: 1 (NCHW) or the last axis (NHWC)."""
    row_axis: int | None = 0
    """The axis that counts the rows of the score; None: every row gets the whole input."""
    decided: tuple[int, ...] = ()
    """The axes that the file leaves open and its weights do not."""

    @property
    def batched(self) -> bool:
        """Does its first axis count the rows of the score?"""
        return self.row_axis == 0 and bool(self.shape)

    @property
    def alone(self) -> bool:
        """Is it one picture [C, H, W] or [H, W, C] without rows, as of torchvision?"""
        return len(self.shape) == 3 and self.row_axis is None and self.channel_axis is not None

    @property
    def pictured(self) -> bool:
        """Has it the axes of pictures, or of one?"""
        return len(self.shape) == 4 or self.alone


@runtime_checkable
class Backend(Protocol):
    """A model that can be seen at its layers."""

    @property
    def class_axis(self) -> int:
        """Where the classes are in the score: 1, or the last of a dense score [N, *S, C]."""
        ...

    @property
    def classes(self) -> int | None:
        """How many there are, where the model fixes it."""
        ...

    @property
    def score_name(self) -> str:
        """The tensor whose gradient is taken; '' where it has no name."""
        ...

    @property
    def layer_note(self) -> str:
        """What is to be said of the default layer; mostly nothing."""
        ...

    @property
    def provider(self) -> str:
        """What the model runs on."""
        ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """How it is run, as records say it: the provider, and what else changes its numbers."""
        ...

    @property
    def metadata(self) -> Mapping[str, str]:
        """What the model says of itself."""
        ...

    def look(
        self, x: Inputs, *, layers: Sequence[str] | None = None, inputs: Sequence[str] | None = ()
    ) -> Look:
        """One forward pass, run here and now.

        Args:
            x: one array, or several by name.
            layers: where to look; None is the default layer (of a detector its scales), () none.
            inputs: whose gradients are wanted too; None is all that have one.

        Raises:
            LayerError: a layer that is unknown or does not reach the score.
            InputError: x does not fit the model, or an input has no gradient.
        """
        ...

    def capture(
        self,
        x: Inputs,
        target: Target,
        *,
        layers: Sequence[str] | None = None,
        input_gradients: bool = False,
    ) -> list[Capture]:
        """A and G at each layer (None: the default layer), all from one pass."""
        ...

    def captures(
        self,
        x: Inputs,
        targets: Iterable[Target],
        *,
        layers: Sequence[str] | None = None,
        input_gradients: bool = False,
    ) -> Iterator[list[Capture]]:
        """`capture` of one target after another, all from one forward pass, run here and now."""
        ...

    def forward(self, x: Inputs) -> dict[str, Array]:
        """All outputs of the plain model, by name."""
        ...

    def inputs(self) -> list[InputInfo]:
        """What the model takes, in its own order."""
        ...

    def heads(self) -> list[Head]:
        """What each output is, with evidence; the first is the one with the score."""
        ...

    def layers(self) -> list[Layer]:
        """The layers one may look at, in execution order."""
        ...

    def scored(self, output: str) -> Backend:
        """The same model with another output as its score, as it stands: no logits before it.

        Raises:
            ModelError: no such output, or one without floating point numbers.
        """
        ...

    def with_weights(self, change: Callable[[str, Array], Array]) -> Backend:
        """The same model with every weight replaced by `change(name, weight)`.

        It is called once a weight, always in one order: as the model reads them, the score's last.
        """
        ...
