"""From alpha and A to maps: which axes are places, how maps are scaled, what is wrong with one."""

from .combine import combine, fuse, heatmap, normalise, positive, resize
from .fuses import FUSES
from .layout import Layout

__all__ = ["FUSES", "Layout", "combine", "fuse", "heatmap", "normalise", "positive", "resize"]
