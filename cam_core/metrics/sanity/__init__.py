"""Does a map depend on what the model has learned?"""

from .randomisation import Cascade, cascade

__all__ = ["Cascade", "cascade"]
