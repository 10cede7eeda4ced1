"""Recorded outputs: what a model gave somewhere else, one .npz a picture."""

from .folder import FACTS, read_folder, write_folder
from .recorded import Recorded, from_npz, sha256_of, to_npz

__all__ = ["FACTS", "Recorded", "from_npz", "read_folder", "sha256_of", "to_npz", "write_folder"]
