"""Photos of many formats, one after another, with labels, boxes and masks where there are any.

from cam_core.audit.data import open_data

for item in open_data("photos/"):
    print(item.id, item.label)
"""

from .draw import count, drawn
from .item import Item, Size, Thing
from .table import FORMATS, Data, Format, open_data

__all__ = ["FORMATS", "Data", "Format", "Item", "Size", "Thing", "count", "drawn", "open_data"]
