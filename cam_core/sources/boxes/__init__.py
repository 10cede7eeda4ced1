"""Boxes that people drew round the objects of photos, as the usual tools write them.

from cam_core.sources.boxes import read_boxes

boxes = read_boxes("labels.json")  # COCO; also VOC, ImageNet's CSV, YOLO
for label, x0, y0, x1, y1 in boxes["photo"]:  # of photo.jpg, in its pixels, at their edges
    ...
"""

from .labelled import BoxesByPhoto, Labelled, Sizes, is_of
from .read import format_of, read_boxes

__all__ = ["BoxesByPhoto", "Labelled", "Sizes", "format_of", "is_of", "read_boxes"]
