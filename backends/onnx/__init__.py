"""Grad-CAM for ONNX models: exact gradients as standard operators, run by any runtime."""

from .capturing.backend import OnnxBackend
from .differentiating.coverage import Coverage, coverage
from .instrumenting.instrument import instrument
from .instrumenting.save import save
from .instrumenting.strip import strip
from .reading.names import OUTPUTS
from .running.bound import Bound

__all__ = ["OUTPUTS", "Bound", "Coverage", "OnnxBackend", "coverage", "instrument", "save", "strip"]
