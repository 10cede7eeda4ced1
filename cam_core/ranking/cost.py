"""What a method costs on this machine: seconds in forward passes, and passes counted."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..answers import explained
from ..backend import Array, Backend, Inputs
from ..looking import Looks
from ..targets import ScoredTarget

ENOUGH, DEAR = 0.1, 0.5
"""Seconds after which no further round begins: once there are RUNS, and before."""
RUNS, MOST = 3, 30


@dataclass
class Passes:
    """Rows that were run."""

    forward: int = 0
    backward: int = 0
    tails: int = 0
    """From the layer on."""


@dataclass(frozen=True)
class Cost:
    """One method, on its own: its look, and all that it asks for."""

    ratio: float
    """Its seconds over those of the plain forward pass of the same picture."""
    passes: Passes


class Counting:
    """A backend that counts what is run."""

    def __init__(self, backend: Any, passes: Passes) -> None:
        self._backend, self._passes = backend, passes

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._backend, name)
        return self._bending(found) if name == "bend" else found

    def look(self, x: Inputs, **options: Any) -> Any:
        """One forward pass."""
        found = self._backend.look(x, **options)
        self._passes.forward += len(found.score)
        return CountedLook(found, self._passes)

    def scored(self, output: str) -> Counting:
        """Another output, counted too."""
        return Counting(self._backend.scored(output), self._passes)

    def with_weights(self, change: Callable[[str, Array], Array]) -> Counting:
        """With other weights, counted too."""
        return Counting(self._backend.with_weights(change), self._passes)

    def as_guided(self) -> Counting:
        """Guided backpropagation, counted too."""
        return Counting(self._backend.as_guided(), self._passes)

    def _bending(self, bend: Callable[..., Any]) -> Callable[..., Any]:
        """Second derivatives: a pass forward, one back, and one back through that."""

        def counted(x: Inputs, layer: str, cotangent: Array) -> Any:
            self._passes.forward += len(cotangent)
            self._passes.backward += 2 * len(cotangent)
            return bend(x, layer, cotangent)

        return counted


class CountedLook:
    """A look whose passes back and whose tails are counted."""

    def __init__(self, look: Any, passes: Passes) -> None:
        self._look, self._passes = look, passes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._look, name)

    def pull(self, target: Any) -> Any:
        """One backward pass."""
        self._passes.backward += len(self._look.score)
        return self._look.pull(target)

    def tail(self, layer: str) -> Callable[[Array], Array]:
        """What counts the rows that it is given."""
        run = self._look.tail(layer)

        def counted(A: Array) -> Array:
            self._passes.tails += len(A)
            found: Array = run(A)
            return found

        return counted


def cost(
    backend: Backend,
    x: Inputs,
    target: ScoredTarget,
    method: str,
    layers: Sequence[str] | None = None,
) -> Cost:
    """Of one method on one row, timed in turn with the plain forward pass."""
    passes = Passes()
    counting: Any = Counting(backend, passes)
    explained(Looks(counting, x, layers, methods=[method]).questions(target), method)
    plain, own = in_turn(
        lambda: backend.forward(x),
        lambda: explained(Looks(backend, x, layers, methods=[method]).questions(target), method),
    )
    return Cost(own / plain, passes)


def in_turn(
    *runs: Callable[[], object], clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """The least seconds of each of some runs, taken in turn: what else a machine does only adds.

    RUNS rounds; more of what takes milliseconds, fewer of what takes DEAR.
    """
    rounds: list[list[float]] = []
    while len(rounds) < MOST:
        spent = sum(map(sum, rounds))
        if spent >= (ENOUGH if len(rounds) >= RUNS else DEAR):
            break
        rounds.append([_seconds(run, clock) for run in runs])
    return [min(times) for times in zip(*rounds, strict=True)]


def _seconds(run: Callable[[], object], clock: Callable[[], float]) -> float:
    start = clock()
    run()
    return clock() - start


@dataclass
class Costs:
    """Of each method on some photos."""

    by_method: dict[str, list[Cost]] = field(default_factory=dict)

    def add(self, method: str, one: Cost) -> None:
        """Of one more photo."""
        self.by_method.setdefault(method, []).append(one)

    def of(self, method: str) -> Cost | None:
        """The one of the median ratio; None where none was measured."""
        found = sorted(self.by_method.get(method, ()), key=lambda one: one.ratio)
        return found[len(found) // 2] if found else None
