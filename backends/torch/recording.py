"""What a module computes before one of its layers: recorded once, then put in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from .outputs import copied, copyable, tensors_in


@dataclass(frozen=True)
class Result:
    """What a call gave."""

    output: Any
    calls: dict[int, int]
    """How often each part had been called by then."""


class Recording:
    """The calls that are over before a layer's; the outermost ones, for they hold the others.

    A call that changes what it is given, or gives out a view of it, is run again instead.
    """

    def __init__(self, module: Any) -> None:
        self._parts = [part for part in module.modules() if part is not module]
        self._results: dict[tuple[int, int], Result] = {}
        self._calls: dict[int, int] = {}
        self._recording = False

    @contextmanager
    def recorded(self) -> Iterator[Callable[[], None]]:
        """A run that is recorded, until what is given here is called."""
        self._results, self._recording = {}, True

        def over() -> None:
            self._recording = False

        with self.standing_in():
            yield over

    @contextmanager
    def standing_in(self) -> Iterator[None]:
        """A run in which the results stand for the calls."""
        self._calls = {}
        with ExitStack() as stack:
            for i, part in enumerate(self._parts):
                stack.callback(_put, part, part.__dict__.get("forward"))
                _put(part, self._stub(i, part.forward))
            yield

    def calls(self, part: Any) -> int:
        """How often it has been called in this run, calls that were stood for included."""
        return next(n for i, n in self._calls.items() if self._parts[i] is part)

    def _stub(self, i: int, forward: Callable[..., Any]) -> Callable[..., Any]:
        def stub(*args: Any, **options: Any) -> Any:
            key = i, self._calls.get(i, 0) + 1
            if not self._recording and key in self._results:
                self._calls = dict(self._results[key].calls)
                return copied(self._results[key].output)
            self._calls[i] = key[1]
            before = len(self._results)
            given = [(t, t._version) for t in tensors_in([args, options])]
            output = forward(*args, **options)
            if self._recording and copyable(output) and _apart(output, given):
                for inner in list(self._results)[before:]:
                    del self._results[inner]
                self._results[key] = Result(copied(output), dict(self._calls))
            return output

        return stub


def _put(part: Any, forward: Callable[..., Any] | None) -> None:
    """On the module itself, before what its class says; None: as its class says."""
    if forward is None:
        part.__dict__.pop("forward", None)
    else:
        part.__dict__["forward"] = forward


def _apart(output: Any, given: list[tuple[Any, int]]) -> bool:
    """Is what was given as it was, and none of it in the output?"""
    memory = {t.untyped_storage().data_ptr() for t, _ in given}
    made = {t.untyped_storage().data_ptr() for t in tensors_in(output)}
    return made.isdisjoint(memory) and all(t._version == version for t, version in given)
