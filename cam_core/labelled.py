"""A score whose every number has a name is one of classes, by the word of who named them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from .backend import Backend
from .head import Head, heads_of


def labelled(backend: Backend, labels: Sequence[str] | None) -> Backend:
    """The backend, whose score of n numbers is of classes where there are n labels.

    Where something is known of the score, that stands: it says `unknown` where nothing is.
    """
    heads = heads_of(backend)
    if labels is None or not heads or heads[0].kind != "unknown":
        return backend
    return cast(Backend, _Labelled(backend, len(labels)))


class _Labelled:
    """A backend in all but what it says of its score."""

    def __init__(self, backend: Backend, count: int) -> None:
        self._backend, self._count = backend, count

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def heads(self) -> list[Head]:
        """The first one of classes, once the score is known to be as many numbers."""
        first, *rest = self._backend.heads()
        shape = getattr(self._backend, "score_shape", None)
        if first.kind != "unknown" or shape is None or [*shape[1:]] != [self._count]:
            return [first, *rest]
        said = f"{self._count} numbers, and as many labels given"
        return [replace(first, kind="classes", evidence=said), *rest]
