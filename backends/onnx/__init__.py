"""Grad-CAM for ONNX models: exact gradients as standard operators, run by any runtime."""

from .backend import OnnxBackend
from .instrument import OUTPUTS, instrument
from .strip import strip

__all__ = ["OUTPUTS", "OnnxBackend", "instrument", "strip"]
