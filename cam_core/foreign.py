"""Text that others wrote, as values: JSON and Python literals, with bounds on what they ask for."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from typing import Any

MOST_CLASSES = 1_000_000
"""Beyond all classifiers; a single number in a file can ask for any list of names."""
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What values of another kind than expected end in, wherever they are read."""


def from_json(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: it is none, or nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def from_literal(text: str) -> Any:
    """The value of a Python literal.

    Raises:
        ValueError: it is none, or nested too deeply.
    """
    try:
        return ast.literal_eval(text)
    except (RecursionError, MemoryError):  # the parser's stack, not the machine
        raise ValueError("nested too deeply") from None
    except (ValueError, TypeError, SyntaxError) as error:
        raise ValueError(f"no literal: {type(error).__name__}") from error


def in_class_order(names: Mapping[int, Any]) -> tuple[str, ...]:
    """Names by class as a list; empty for a class that has none.

    Raises:
        ValueError: a class below 0, or beyond those of any model.
    """
    if names and not 0 <= min(names) <= max(names) < MOST_CLASSES:
        raise ValueError(f"it names a class that is not in 0 to {MOST_CLASSES - 1:,}")
    return tuple(str(names.get(index, "")) for index in range(max(names, default=-1) + 1))
