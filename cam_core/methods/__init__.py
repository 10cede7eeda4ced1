"""The CAM methods: each is one pure function alpha(A, G), or one of a question, and a row."""

from .method import NEEDS, At, Method, Need
from .question import Question
from .table import AUTO, METHODS, about_input, find_method, needs_passes, usual_method

__all__ = [
    "AUTO",
    "METHODS",
    "NEEDS",
    "At",
    "Method",
    "Need",
    "Question",
    "about_input",
    "find_method",
    "needs_passes",
    "usual_method",
]
