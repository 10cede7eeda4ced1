"""What a method is: its formula, and what it needs to be computed from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from ..backend import Array
from ..errors import InputError

Need = Literal["gradients", "input gradients", "tail", "passes", "layers"]
NEEDS: dict[Need, str] = {
    "gradients": "gradients",
    "input gradients": "gradients of the input",
    "tail": "scores of changed activations",
    "passes": "several passes",
    "layers": "several layers at once",
}
"""In words. The activations of its layer are there for every method."""


@dataclass(frozen=True)
class Method:
    """A row of METHODS: `METHODS[name](A, G)` is alpha."""

    alpha: Callable[..., Array]
    """(A [N, K, *S], G [N, K, *S], **options) -> alpha [N, K, 1..] or [N, K, *S]; without G where
    it needs no gradients."""
    summary: str
    paper: str
    traceable: bool = True
    """False where alpha needs something that ONNX lacks (an SVD): Python only."""
    needs: frozenset[Need] = frozenset({"gradients"})
    """Keys of NEEDS: whoever cannot give one refuses, what is not needed is not computed."""

    def __post_init__(self) -> None:
        """A need that nobody knows is a slip."""
        unknown = sorted(set(self.needs) - set(NEEDS))
        if unknown:
            raise InputError(f"a method needs no '{unknown[0]}'; there are {', '.join(NEEDS)}")

    def __call__(self, A: Array, G: Array | None = None, **options: Any) -> Array:
        """Alpha of the method."""
        given = (A, G) if "gradients" in self.needs else (A,)
        return self.alpha(*given, **options)

    def lacking(self, given: frozenset[Need]) -> str:
        """What it needs besides, in words; '' where nothing is lacking."""
        return " and ".join(words for need, words in NEEDS.items() if need in self.needs - given)
