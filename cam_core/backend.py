"""The contract between the mathematics and whatever runs the model.

Protocols, not base classes: a backend needs no import of this package to satisfy them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

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


@dataclass(frozen=True)
class Layer:
    """A tensor one may look at."""

    name: str
    """What `capture(layers=[name])` takes."""
    operator: str
    """The operator (or module class) that makes it."""
    shape: tuple[int | str | None, ...]
    """Its own shape, before it is brought to [N, K, *S]; a str or None is a dynamic extent."""
    module: str = ""
    """The torch module path it comes from, where known."""
    default: bool = False
    """True for the layer that is taken when none is named."""


@dataclass(frozen=True)
class InputInfo:
    """What the model takes."""

    name: str
    shape: tuple[int | str | None, ...]
    """Static extents as int; a str or None is a dynamic one."""
    dtype: np.dtype[Any]
    channel_axis: int | None = None
    """Where the colour channels are, for an image input: 1 (NCHW) or the last axis (NHWC)."""


@runtime_checkable
class Backend(Protocol):
    """A model that can be seen at its layers."""

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

    def forward(self, x: Inputs) -> dict[str, Array]:
        """All outputs of the plain model, by name."""
        ...

    def tail(self, layer: str, A: Array, x: Inputs) -> Array:
        """The score tensor when the layer's activations are A [N, K, *S]."""
        ...

    def inputs(self) -> list[InputInfo]:
        """What the model takes, in its own order."""
        ...

    def layers(self) -> list[Layer]:
        """The layers one may look at, in execution order."""
        ...

    def with_weights(self, change: Callable[[str, Array], Array]) -> Backend:
        """The same model with every weight replaced by `change(name, weight)`."""
        ...


@runtime_checkable
class ManyTargets(Protocol):
    """What a backend may have besides: many targets of one x from one forward pass."""

    def captures(
        self,
        x: Inputs,
        targets: Iterable[Target],
        *,
        layers: Sequence[str] | None = None,
        input_gradients: bool = False,
    ) -> Iterator[list[Capture]]:
        """`capture` of one target after another."""
        ...
