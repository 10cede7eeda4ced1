"""The CAM methods: each is one pure function alpha(A, G) and one row of METHODS."""

from .method import NEEDS, Method, Need
from .table import METHODS, find_method, usual_method

__all__ = ["METHODS", "NEEDS", "Method", "Need", "find_method", "usual_method"]
