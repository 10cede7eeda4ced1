"""Both models, and all that stays the same from photo to photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ..answers import explained
from ..asking import asking_of
from ..backend import Array, Backend
from ..errors import ModelError, UnsupportedOpError
from ..explain import suited
from ..explanation import Explanation
from ..head import Head, head_of
from ..looking import Looks
from ..methods import usual_method
from ..metrics.sanity.randomisation import Shuffle
from ..targets import ScoredTarget, usual
from ..targets.detection import LIKELY
from ..targets.scores import pool
from .classes import ClassMap, Names
from .layers import Matched
from .recordings import Recording, recording_of

FORWARD = "reciprocam"
"""The map that needs no gradient."""


@dataclass(frozen=True)
class Sides:
    """A, B, and what is asked of both."""

    a: Backend
    b: Backend
    layers: Sequence[Matched]
    classes: ClassMap = field(default_factory=ClassMap)
    labels: tuple[Names, Names] = (None, None)
    target: str | None = None
    """As it is written; None: what suits A, the top class of a classifier."""
    method: str | None = None
    """None: what suits A."""
    seed: int = 0
    pairing: str = ""
    """Which of several inputs of B is which of A, where that was to be found."""
    threshold: float = LIKELY
    """The probability from which on a detector has a box."""
    channelled: bool = False
    """Is it kept which channels A's maps come from?"""

    @property
    def layers_a(self) -> list[str]:
        """As A calls them."""
        return [one.a for one in self.layers]

    @property
    def layers_b(self) -> list[str]:
        """As B calls them."""
        return [one.b for one in self.layers]

    @cached_property
    def recordings(self) -> tuple[Recording | None, Recording | None]:
        """Each side that is a recording; None of a model."""
        return recording_of(self.a), recording_of(self.b)

    @property
    def live(self) -> int | None:
        """Whose own maps tell what noise and another class make of a map: 0 is A, 1 B where A is a
        recording; None of two recordings.
        """
        known = [i for i, one in enumerate(self.recordings) if one is None]
        return known[0] if known else None

    @property
    def training(self) -> list[str]:
        """A line for each side that has operators in training mode, as far as it says so."""
        notes = [
            (name, getattr(one, "training_note", ""))
            for name, one in zip("AB", (self.a, self.b), strict=True)
        ]
        return [f"{name} has {note}" for name, note in notes if note]

    @cached_property
    def halved(self) -> bool:
        """Does a recording lack maps from before the ReLU, so that all are compared after it?"""
        held = [one for of in self.recordings if of is not None for one in of.pictures.values()]
        return any(one.cam_signed is None for one in held)

    def cut(self, signed: Array) -> Array:
        """Maps as they are compared."""
        return np.maximum(signed, 0) if self.halved else signed

    def side(self, number: int | None) -> Backend:
        """A of 0 or None, B of 1."""
        return self.b if number else self.a

    @cached_property
    def head(self) -> Head | None:
        """What the score is: A's, of a model rather than of a recording."""
        return head_of(self.side(self.live))

    @cached_property
    def how(self) -> str:
        """The method."""
        return usual_method(self.head) if self.method is None else self.method

    @property
    def ranked(self) -> bool:
        """Is one of the classes the answer?"""
        return self.head is None or (self.head.boxes is None and self.head.ranked)

    @cached_property
    def questions(self) -> list[ScoredTarget]:
        """What A is asked."""
        return self._suited(self.a, self.labels[0])

    @cached_property
    def questions_b(self) -> list[ScoredTarget]:
        """What B is asked where that is no class of A."""
        return self._suited(self.b, self.labels[1])

    @cached_property
    def answer_b(self) -> ScoredTarget:
        """What B answers, as a question."""
        return suited(self.b, ["top"], self.labels[1])[0]

    def _suited(self, backend: Backend, labels: Names) -> list[ScoredTarget]:
        text = usual(asking_of(backend, labels))[0] if self.target is None else self.target
        return suited(backend, [text], labels)

    def looks(self, x: Any, *, of_b: bool = False) -> Looks:
        """One forward pass of A, or of B, at the layers."""
        if of_b:
            return Looks(self.b, x, self.layers_b)
        return Looks(self.a, x, self.layers_a)

    def in_b(self, target: ScoredTarget, place: int) -> ScoredTarget:
        """A question of A, settled, as B is asked it.

        Raises:
            TargetError: it is about a class that B has not.
        """
        found = target.of_classes(self.classes.of, self.b.class_axis)
        if found is not None:
            return found
        return target if self.classes.to_b is None else self.questions_b[place]

    @cached_property
    def shuffled(self) -> Backend:
        """A with the numbers of every weight in another order (Adebayo et al. 2018).

        B where A is a recording.
        """
        return self.side(self.live).with_weights(Shuffle(0, self.seed))


def scores(looks: Looks, backend: Backend) -> Array:
    """The score of each class [N, C]; of a dense one summed over its places."""
    return pool(looks.first.score, backend.class_axis)


def map_of(looks: Looks, target: ScoredTarget, method: str, labels: Names = None) -> Explanation:
    """The explanation of a target at the layers of these looks."""
    return explained(looks.questions(target), method, labels=labels)


def signed_or_nan(
    looks: Looks, target: ScoredTarget, method: str, like: Array, side: str = ""
) -> tuple[Array, Explanation | None, str]:
    """The signed maps; where the model has none but NaN, NaN in the shape of others, and why.

    Raises:
        UnsupportedOpError: it cannot be explained by this method at all.
    """
    try:
        found = map_of(looks, target, method)
    except UnsupportedOpError as error:
        of = f"{side}: " if side else ""
        raise UnsupportedOpError(f"{of}{error}; --method {FORWARD} needs no derivative") from error
    except ModelError as error:
        return np.full(like.shape, np.nan), None, str(error)
    return found.signed, found, ""
