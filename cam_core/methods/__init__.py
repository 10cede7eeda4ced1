"""The CAM methods: each is one pure function alpha(A, G), or one of a question, and a row."""

from .method import NEEDS, At, Method, Need
from .question import Question
from .table import METHODS, find_method, usual_method

__all__ = ["METHODS", "NEEDS", "At", "Method", "Need", "Question", "find_method", "usual_method"]
