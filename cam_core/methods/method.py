"""What a method is: its formula, and what it needs to be computed from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..backend import Array
from ..errors import InputError
from .options import parameters

Need = Literal[
    "gradients",
    "input gradients",
    "guided gradients",
    "biases",
    "second derivatives",
    "tail",
    "passes",
    "attention",
    "head",
]
NEEDS: dict[Need, str] = {
    "gradients": "gradients",
    "input gradients": "gradients of the input",
    "guided gradients": "guided gradients",
    "biases": "the biases of all layers",
    "second derivatives": "second derivatives",
    "tail": "scores of changed activations",
    "passes": "scores of changed inputs",
    "attention": "attention weights",
    "head": "the weights of a linear head",
}
"""In words. The activations of its layer are there for every method."""
Gives = Literal["alpha", "map"]
At = Literal["layer", "input", "attention"]
Pulls = Literal["", "plain", "guided"]
"""A gradient of the picture, as it is."""


@dataclass(frozen=True)
class Method:
    """A row of METHODS.

    One that needs no more than gradients is a function of arrays, `METHODS[name](A, G)`: it works
    on a capture and is traced into a file. Any other is a function of a `Question`.
    """

    formula: Callable[..., Array]
    """(A [N, K, *S], G [N, K, *S], **options), without G where it needs no gradients; or
    (question, **options)."""
    summary: str
    paper: str
    traceable: bool = True
    """False where the formula needs something that ONNX lacks (an SVD): Python only."""
    needs: frozenset[Need] = frozenset({"gradients"})
    """Keys of NEEDS: whoever cannot give one refuses, what is not needed is not computed."""
    gives: Gives = "alpha"
    """`alpha` [N, K, 1..] or [N, K, *S], whose map is sum_k alpha_k A^k; or the signed `map`
    itself [N, *S]."""
    at: At = "layer"
    """Whose cells the map has. At the `input` A is the input itself, and layers do not count;
    nor do they where the places are those of the tokens that the model's attention weighs."""
    facts: Callable[[Array, Array], Sequence[Mapping[str, Any]]] | None = None
    """(A, G) -> what a record says of each row besides, ready for JSON; of a function of both."""

    def __post_init__(self) -> None:
        """A need that nobody knows is a slip."""
        unknown = sorted(set(self.needs) - set(NEEDS))
        if unknown:
            raise InputError(f"a method needs no '{unknown[0]}'; there are {', '.join(NEEDS)}")

    def __call__(self, A: Array, G: Array | None = None, **options: Any) -> Array:
        """Alpha of a method that is a function of arrays (its map, where it gives that)."""
        given = (A, G) if "gradients" in self.needs else (A,)
        return self.formula(*given, **options)

    @property
    def options(self) -> dict[str, Any]:
        """What may be given besides, by name, each as it is by default."""
        return {name: one.default for name, one in parameters(self.formula).items()}

    @property
    def of_arrays(self) -> bool:
        """Is it a function of A and G, or of a question?"""
        return self.needs <= {"gradients"}

    @property
    def layered(self) -> bool:
        """Is it about a layer, even where its map has the input's cells?"""
        of_both = self.at == "input" and "gradients" in self.needs and not self.of_arrays
        return self.at == "layer" or of_both

    @property
    def captured(self) -> bool:
        """Is it a weighing of a layer's A by what a capture holds?"""
        return self.of_arrays and self.gives == "alpha" and self.at == "layer"

    @property
    def pulls(self) -> Pulls:
        """The gradient that it reads of the picture as it is; '' of none, or of more than that."""
        if self.needs == {"guided gradients"}:
            return "guided"
        own = self.of_arrays and "gradients" in self.needs
        once = own or ("input gradients" in self.needs and "passes" not in self.needs)
        return "plain" if self.at == "input" and once else ""

    def lacking(self, given: frozenset[Need]) -> str:
        """What it needs besides, in words; '' where nothing is lacking."""
        return " and ".join(words for need, words in NEEDS.items() if need in self.needs - given)
