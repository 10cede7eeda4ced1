"""Grad-CAM for ONNX models: exact gradients as standard operators, run by any runtime."""

from .backend import OnnxBackend
from .bound import Bound
from .coverage import Coverage, coverage
from .instrument import OUTPUTS, instrument
from .strip import strip

__all__ = ["OUTPUTS", "Bound", "Coverage", "OnnxBackend", "coverage", "instrument", "strip"]
