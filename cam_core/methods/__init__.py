"""The CAM methods: each is one pure function alpha(A, G), or one of a question, and a row."""

from .best import Best, best_methods, may_be
from .method import NEEDS, At, Method, Need, Pulls
from .question import Question
from .table import (
    AUTO,
    BEST,
    METHODS,
    about_input,
    canonical,
    find_method,
    needs_passes,
    pulls_of,
    usual_method,
    with_options,
)

__all__ = [
    "AUTO",
    "BEST",
    "METHODS",
    "NEEDS",
    "At",
    "Best",
    "Method",
    "Need",
    "Pulls",
    "Question",
    "about_input",
    "best_methods",
    "canonical",
    "find_method",
    "may_be",
    "needs_passes",
    "pulls_of",
    "usual_method",
    "with_options",
]
