"""The options of a method, in one spelling everywhere: `legrad:blocks=1`, `rise:masks=500,cells=5`.

What options a method takes, and of what kind, its formula says: they are its keyword arguments.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from types import UnionType
from typing import Any, get_args, get_origin

import numpy as np

from ..errors import InputError

WORDS = {"none": None, "true": True, "false": False}
KINDS: dict[Any, tuple[tuple[type, ...], str]] = {
    int: ((Integral,), "a whole number"),
    float: ((Real,), "a number"),
    str: ((str,), "a word"),
    bool: ((bool, np.bool_), "true or false"),
    Sequence: ((tuple, list), "numbers as 32x16"),
    type(None): ((type(None),), "none"),
}
"""What a formula says it takes -> what counts as that, and in words. Arrays pass: their numbers
have no spelling, and Python alone gives them."""


def parameters(formula: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The keyword arguments of a formula, by name."""
    try:
        taken = inspect.signature(formula, eval_str=True)
    except (NameError, AttributeError, TypeError):  # kinds that nobody knows at run time
        taken = inspect.signature(formula)
    return {p.name: p for p in taken.parameters.values() if p.kind is p.KEYWORD_ONLY}


def read(text: str) -> tuple[str, dict[str, Any]]:
    """`legrad:blocks=1` as a name and its options.

    Raises:
        InputError: an option without a value.
    """
    name, colon, given = text.partition(":")
    found: dict[str, Any] = {}
    for pair in given.split(",") if colon else ():
        option, equals, value = (part.strip() for part in pair.partition("="))
        if not option or not equals or not value:
            raise InputError(
                f"method '{text}': options are written as {name}:NAME=VALUE,NAME=VALUE"
            )
        if option in found:
            raise InputError(f"method '{text}': option '{option}' is given twice")
        found[option] = value_of(value)
    return name, found


def value_of(text: str) -> Any:
    """A number, numbers as 32x16, true, false or none; else the word itself."""
    if text in WORDS:
        return WORDS[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    sides = text.split("x")
    return tuple(map(int, sides)) if all(side.isdecimal() for side in sides) else text


def word_of(value: Any) -> str:
    """What `value_of` reads as that value; '' of an array, which has no spelling."""
    if value is None or isinstance(value, bool | np.bool_):
        return "none" if value is None else str(bool(value)).lower()
    if isinstance(value, tuple | list):
        return "x".join(str(int(one)) for one in value)
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real):
        return repr(float(value)).removesuffix(".0")
    return value if isinstance(value, str) else ""


def spelled(name: str, formula: Callable[..., Any], given: Mapping[str, Any]) -> str:
    """A method with its options, those that are as they are by default left out.

    Raises:
        InputError: it takes no such option, or another kind of value.
    """
    known = parameters(formula)
    require(name, known, given)
    words = {option: word_of(given[option]) for option in known if option in given}
    pairs = ",".join(
        f"{option}={word}"
        for option, word in words.items()
        if word and word != word_of(known[option].default)
    )
    return f"{name}:{pairs}" if pairs else name


def listed(text: str) -> list[str]:
    """Methods with commas between them, each with its options: `gradcam,rise:masks=500,cells=5`."""
    found: list[str] = []
    for piece in (piece.strip() for piece in text.split(",")):
        further = "=" in piece and ":" not in piece and found and ":" in found[-1]
        found = [*found[:-1], f"{found[-1]},{piece}"] if further else [*found, piece]
    return found


def require(name: str, known: Mapping[str, inspect.Parameter], given: Mapping[str, Any]) -> None:
    """Refuses, in one line with all there are, what a method does not take."""
    takes = f"it takes {said(known) or 'none'}"
    for option, value in given.items():
        if option not in known:
            raise InputError(f"method '{name}' has no option '{option}'; {takes}")
        kinds = kinds_of(known[option].annotation)
        if kinds and not any(fits(value, kind) for kind in kinds):
            words = " or ".join(KINDS[kind][1] for kind in kinds)
            shown = word_of(value) or type(value).__name__
            raise InputError(f"method '{name}': {option}={shown} is not {words}; {takes}")
        if option == "seed" and value < 0:
            raise InputError(f"method '{name}': seed={value} is below 0; {takes}")


def said(known: Mapping[str, inspect.Parameter]) -> str:
    """All options as they are by default: `masks=4000, cells=7`."""
    return ", ".join(f"{name}={word_of(one.default)}" for name, one in known.items())


def kinds_of(annotation: Any) -> list[Any]:
    """Those of KINDS that an annotation allows; [] where it says nothing that is known."""
    each = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    return [kind for one in each if (kind := get_origin(one) or one) in KINDS]


def fits(value: Any, kind: Any) -> bool:
    """Is it of that kind? True is no number, and neither are NaN and inf."""
    if isinstance(value, np.ndarray):
        return True
    truth = isinstance(value, KINDS[bool][0])
    if isinstance(value, float | np.floating) and not np.isfinite(value):
        return False
    return isinstance(value, KINDS[kind][0]) and (kind is bool or not truth)
