"""The mathematics of class activation maps: NumPy only, no framework."""

from . import targets
from .answers import from_capture
from .backend import Array, Backend, Capture, Gradients, InputInfo, Inputs, Layer, Look, Target
from .boxes import find_boxes
from .chain import Chain
from .discover import find_converter, open_backend
from .errors import (
    CamError,
    InputError,
    LayerError,
    MissingExtraError,
    ModelError,
    NothingFoundError,
    TargetError,
    UnsupportedOpError,
)
from .explain import explain, explain_all
from .explanation import Explanation
from .head import Head
from .maps.layout import Layout
from .methods import METHODS, Method
from .targets import parse_target

__all__ = [
    "METHODS",
    "Array",
    "Backend",
    "CamError",
    "Capture",
    "Chain",
    "Explanation",
    "Gradients",
    "Head",
    "InputError",
    "InputInfo",
    "Inputs",
    "Layer",
    "LayerError",
    "Layout",
    "Look",
    "Method",
    "MissingExtraError",
    "ModelError",
    "NothingFoundError",
    "Target",
    "TargetError",
    "UnsupportedOpError",
    "explain",
    "explain_all",
    "find_boxes",
    "find_converter",
    "from_capture",
    "open_backend",
    "parse_target",
    "targets",
]
