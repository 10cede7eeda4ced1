"""Explanations as files: pictures, raw maps and records."""

from .files import files_of
from .record import to_json, versions

__all__ = ["files_of", "to_json", "versions"]
