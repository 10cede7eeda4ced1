"""From photos to rows: what a model says, where it looks, and how alike another one is."""

from .columns import COLUMNS, Column, columns_of, row_of
from .shot import One, Opened, Opener, Shot, opened_from

__all__ = [
    "COLUMNS",
    "Column",
    "One",
    "Opened",
    "Opener",
    "Shot",
    "columns_of",
    "opened_from",
    "row_of",
]
