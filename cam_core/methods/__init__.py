"""The CAM methods: each is one pure function alpha(A, G), or one of a question, and a row."""

from .method import NEEDS, At, Method, Need
from .question import Question
from .table import (
    AUTO,
    BEST,
    METHODS,
    about_input,
    best_methods,
    find_method,
    needs_passes,
    usual_method,
)

__all__ = [
    "AUTO",
    "BEST",
    "METHODS",
    "NEEDS",
    "At",
    "Method",
    "Need",
    "Question",
    "about_input",
    "best_methods",
    "find_method",
    "needs_passes",
    "usual_method",
]
