"""What a target is, and what the table says of a kind of targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, runtime_checkable

from ..backend import Array
from ..errors import TargetError
from ..places import Cells
from .asking import Asking, Seen
from .examples import Example, as_written
from .labels import label_of

Outputs = Mapping[str, Array]
NONE: Outputs = MappingProxyType({})


@runtime_checkable
class ScoredTarget(Protocol):
    """A target that also knows its score, its classes and its names, as all of this package do.

    The cotangent, the score and the classes are also asked for with a symbolic tensor and so become
    part of an instrumented model. They use operators, NumPy's functions and those of `scores`; no
    in-place step, no index array, and y.shape[0] is never a number.
    """

    @property
    def label(self) -> str:
        """How it is asked for."""
        ...

    def __call__(self, y: Array, outputs: Outputs = NONE) -> Array:
        """dY/dy, of y's shape and type."""
        ...

    def score(self, y: Array, outputs: Outputs = NONE) -> Array:
        """Y [N]."""
        ...

    def few(self, y: Array) -> tuple[Array, Array] | None:
        """Where dY/dy is not zero, row-major, and what it is there; None: it is said as a whole.

        Of arrays alone: a backend that goes back from few numbers need not look for them.
        """
        return None

    def classes(self, y: Array) -> Array | None:
        """The class of each row, int64 [N], where it is about one."""
        ...

    @property
    def linear(self) -> bool:
        """Once `held`, is Y a sum of numbers of y by fixed factors, dY/dy the same at every y?"""
        return False

    @property
    def unit(self) -> str:
        """What Y and the map are measured in: maps of one unit may share their colours."""
        return "score"

    @property
    def single(self) -> bool:
        """Is it about no other class than `classes`, so that the probability of that says more?"""
        return True

    @property
    def named(self) -> int | None:
        """The class that was named, where it is one for all rows and nothing else is asked."""
        return None

    @property
    def detail(self) -> tuple[Mapping[str, Any], ...]:
        """What else a record says of each row, once it was found: a box and its anchor."""
        return ()

    @property
    def outline(self) -> Cells | None:
        """Which cells of a score it is about, once it was found: pictures outline them."""
        return None

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why what was found in a row is hardly what was asked for, or ''; () of none."""
        return ()

    @property
    def probability(self) -> float | None:
        """Of what was found in one row, where the model makes one: that of a box."""
        return None

    @property
    def together(self) -> str:
        """The picture that its targets share, once found: `boxes`, `versus`, or '' for none."""
        return ""

    def name(self, index: int | None) -> str:
        """What stands for it in tables, records and file names once its class is known.

        Whoever reads targets takes it again.
        """
        return self.label

    def title(self, index: int | None, names: Sequence[str] | None) -> str:
        """How tables and pictures call it by the names of its classes; '' where there are none."""
        return "" if names is None or index is None else label_of(index, names)

    def held(self, y: Array) -> ScoredTarget:
        """The same about the classes that it is about here, should others become the top ones."""
        return self

    def suited(self, probability: str) -> ScoredTarget:
        """The same for a score that `softmax`, `sigmoid` or '' (nothing) makes probabilities of.

        Raises:
            TargetError: it asks for a probability, and the model has none.
        """
        return self

    def found_in(self, seen: Seen) -> Sequence[ScoredTarget]:
        """What it turns out to be once the model was run: of boxes and regions, those of a picture.

        Raises:
            NothingFoundError: there is nothing of the kind, with what can be asked instead.
            TargetError: it cannot be asked of this model.
        """
        return (self,)

    def settled(self, seen: Seen) -> ScoredTarget:
        """The same for a file, of which nothing is seen but the shapes of its inputs and score.

        Raises:
            TargetError: they do not suffice.
        """
        return self

    def require(self, count: int) -> None:
        """Refuses a score of so many classes, before anything is run."""
        return

    def of_row(self, row: int, count: int) -> ScoredTarget:
        """What it asks of one of several inputs that are explained one by one."""
        return self

    @property
    def tensor(self) -> str:
        """The output whose number it is, where that is not the score; y is that output then."""
        return ""

    @property
    def beside(self) -> ScoredTarget | None:
        """The part of the number's slope by way of another output, where it is of two."""
        return None

    def others(self, y: Array) -> Mapping[str, ScoredTarget]:
        """Questions of its kind that have nothing to do with it, by what they are called.

        A map that differs is held against their maps; {} where there are none.
        """
        return {}

    def of_classes(self, to: Callable[[int], int | None], class_axis: int) -> ScoredTarget | None:
        """The same of a model whose classes are elsewhere; None where it is not of classes alone.

        Args:
            to: the class there; None where that has no such class.
            class_axis: where they are in its score.

        Raises:
            TargetError: it has no such class.
        """
        return None

    def mirrored(self, y: Array) -> Mirrored | None:
        """The same number as a question of a second picture, where it has one."""
        return None


class AwaitingTarget(ScoredTarget, Protocol):
    """A question whose target is known once the model was run: see `found_in`."""

    def __call__(self, y: Array, outputs: Outputs = NONE) -> Array:
        """Not before that."""
        raise self._waits()

    def score(self, y: Array, outputs: Outputs = NONE) -> Array:
        """Not before that."""
        raise self._waits()

    def classes(self, y: Array) -> Array | None:
        """Not before that."""
        raise self._waits()

    def found_in(self, seen: Seen) -> Sequence[ScoredTarget]:
        """What it turns out to be."""
        ...

    def _waits(self) -> TargetError:
        return TargetError(
            f"target '{self.label}' depends on what the model finds in a picture: explain it "
            f"there; a file takes an anchor by its number (3@anchor:120), a class where it wins "
            f"(region:12), a place where all sizes are fixed (12@x,y), or target='cotangent'"
        )


SECOND, UNRELATED, PLACE = "second class", "another class", "another place"
"""What `others` are called."""


class Mirrored(NamedTuple):
    """A question of another picture."""

    picture: str
    """Its file."""
    target: ScoredTarget


@dataclass(frozen=True)
class Kind:
    """A row of TARGETS."""

    written: str
    """As one writes it, for documentation; '' where it is only handed over."""
    summary: str
    read: Callable[[str, Asking], tuple[ScoredTarget, ...] | None]
    """(text, what it is asked about) -> its targets; None where the text is none of this kind."""
    several: bool = False
    """Is it one question for each of several targets? In a file they have an axis of their own."""
    of: tuple[str, ...] = ()
    """The kinds of heads, of KINDS, that it is asked of; () of any."""
    example: Example = as_written
    """`written` as one writes it to a certain model, which can answer it."""
