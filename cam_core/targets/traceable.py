"""Functions of arrays that a symbolic tensor may answer itself, as it does NumPy's own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")


def traceable(function: Callable[P, R]) -> Callable[P, R]:
    """`function` for arrays; any other first argument is asked what it is for that (NEP 18)."""

    @functools.wraps(function)
    def asked(*args: P.args, **kwargs: P.kwargs) -> R:
        first: Any = args[0]
        if isinstance(first, np.ndarray):
            return function(*args, **kwargs)
        answer: R = first.__array_function__(asked, (type(first),), args, kwargs)
        return answer

    return asked
