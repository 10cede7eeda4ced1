"""What makes the rows of an audit: processes of this machine, or those of a cluster."""

from .reading import Opening
from .table import ENGINES

__all__ = ["ENGINES", "Opening"]
