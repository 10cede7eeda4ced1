"""Rows that outlive the process that makes them."""

from .lock import locked
from .manifest import digest, read_manifest, write_manifest
from .parts import Parts, schema_of

__all__ = ["Parts", "digest", "locked", "read_manifest", "schema_of", "write_manifest"]
