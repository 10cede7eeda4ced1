"""Rows that outlive the process that makes them."""

from .lock import locked
from .manifest import digest, read_manifest, write_manifest
from .parts import Parts

__all__ = ["Parts", "digest", "locked", "read_manifest", "write_manifest"]
