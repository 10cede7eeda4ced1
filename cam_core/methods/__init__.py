"""The CAM methods: each is one pure function alpha(A, G) and one row of METHODS."""

from .from_gradients import METHODS, Method

__all__ = ["METHODS", "Method"]
