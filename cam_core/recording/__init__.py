"""Recorded outputs: what a model gave somewhere else, one .npz a picture."""

from .folder import FACTS, is_recording, read_folder, require_model, write_folder
from .recorded import Recorded, from_npz, sha256_of, to_npz

__all__ = [
    "FACTS",
    "Recorded",
    "from_npz",
    "is_recording",
    "read_folder",
    "require_model",
    "sha256_of",
    "to_npz",
    "write_folder",
]
