"""Boxes that were found, in the files that trainers of detectors read."""

from .found import Found
from .table import FORMATS

__all__ = ["FORMATS", "Found"]
