"""What a framework must do for `TappedBackend`: run, record and differentiate at named points.

A model is a function of its inputs and of a tap, through which it hands the tensor of each point:
what the tap gives back goes on in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from cam_core.backend import Array

from .heads import Ends

Point = tuple[str, int]
"""A path, and the number of its call from 1."""


class Tap(Protocol):
    """Called by the model at each of its points."""

    def __call__(self, path: str, tensor: Any, kind: str = "") -> Any:
        """The tensor that goes on; `kind` is the class of the layer, such as LayerNorm."""
        ...


def copied(tensor: Any) -> Array:
    """A copy, by what the tensor tells NumPy; of numbers that NumPy has not, bfloat16, float32."""
    found = np.array(tensor)
    return found if found.dtype.kind in "fiubc" else found.astype(np.float32)


@dataclass(frozen=True)
class Outcome:
    """What one run gives, in the framework's tensors."""

    y: Any
    """The score."""
    outputs: Mapping[str, Any]
    ends: Ends


Run = Callable[[Mapping[str, Any], Tap], Outcome]
"""(inputs by name, tap) -> what comes out."""


@dataclass(frozen=True)
class Recorded:
    """A run whose gradients can be asked for, again and again."""

    outcome: Outcome
    points: Mapping[Point, Any]
    """The tensors of the points, in the order in which they were met."""
    kinds: Mapping[Point, str]
    pull: Callable[[Any], tuple[Mapping[Point, Any], Mapping[str, Any]]]
    """dY/dy -> the gradients at the points and at the inputs, None where none arrives."""


class Engine(Protocol):
    """A framework."""

    @property
    def name(self) -> str:
        """What it and its device are called."""
        ...

    def tensor(self, array: Array, like: Any = None) -> Any:
        """A tensor of its own memory; of the type of another, where there is one."""
        ...

    def array(self, tensor: Any) -> Array:
        """A copy as an array; bfloat16 as float32."""
        ...

    def record(
        self,
        run: Run,
        feed: Mapping[str, Any],
        paths: Collection[str] | None,
        inputs: Collection[str],
    ) -> Recorded:
        """A run with gradients at these paths (None: all) and inputs."""
        ...

    def plain(self, run: Run, feed: Mapping[str, Any], tap: Tap) -> Outcome:
        """A run without gradients."""
        ...

    def tail(self, run: Run, feed: Mapping[str, Any], point: Point) -> Callable[[Any], Any]:
        """The score from the tensor of a point, all else as `feed` makes it."""
        ...


@dataclass
class Counted:
    """A tap that counts the calls of each path.

    Args:
        act: (point, tensor, kind) -> the tensor that goes on.
    """

    act: Callable[[Point, Any, str], Any]
    calls: dict[str, int] = field(default_factory=dict)

    def __call__(self, path: str, tensor: Any, kind: str = "") -> Any:
        """One more call of the path."""
        self.calls[path] = self.calls.get(path, 0) + 1
        return self.act((path, self.calls[path]), tensor, kind)


def passing(path: str, tensor: Any, kind: str = "") -> Any:
    """The tap that only lets pass."""
    return tensor


def replacing(point: Point, given: Any) -> Tap:
    """The tap that puts a tensor in the place of a point's."""
    return Counted(lambda met, tensor, kind: given if met == point else tensor)
