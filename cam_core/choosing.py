"""The method that `auto` and `best` stand for, of one target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from .assembling import said
from .errors import InputError, UnsupportedOpError
from .explanation import Explanation
from .head import head_of
from .methods import Question, best_methods, usual_method
from .methods.doors import reads_of

Explains = Callable[..., Explanation]
"""(questions, the name of a method, ...), as `answers.explained`."""
WITHOUT = "reciprocam"
"""The method that is taken where there is no gradient."""


def of_its_own(
    explained: Explains,
    questions: Sequence[Question],
    *,
    labels: Sequence[str] | None = None,
    fuse: str | None = None,
    eigen: bool = False,
    **options: Any,
) -> Explanation:
    """By the usual method, whose options these are; by one without gradients where there are none.

    Why it is another one stands first in its diagnosis.
    """
    usual = usual_method(head_of(questions[0].backend))
    known: dict[str, Any] = {"labels": labels, "fuse": fuse}
    try:
        return explained(questions, usual, **known, eigen=eigen, **options)
    except UnsupportedOpError as error:
        found = explained(questions, WITHOUT, **known)
        why = f"{WITHOUT} in place of {usual}: {error}"
        return replace(found, diagnosis=said([why] * len(found), found.diagnosis))


def of_the_best(explained: Explains, questions: Sequence[Question], **options: Any) -> Explanation:
    """By the method that the evidence names for the score, and that the model can do.

    At a layer that is asked for, or at several, it is one that looks there.
    """
    first = questions[0]
    usual = [one.layer for one in questions] == [getattr(first.backend, "default_layer", "")]
    reads = reads_of(first.backend, first.layer, own=not first.target.tensor)
    *choices, last = best_methods(head_of(first.backend), reads, attends=usual and attends(first))
    for one in choices:
        try:
            return replace(explained(questions, one.method, **options), chosen=one.why)
        except InputError:  # blocks that it cannot follow, or `eigen`, which needs weights
            continue
    return replace(explained(questions, last.method, **options), chosen=last.why)


def attends(question: Question) -> bool:
    """Is the model a transformer over the picture? One block alone may be a pooling of others'."""
    try:
        return len(question.attention.P) > 1
    except InputError:
        return False
