"""TFLite files, by way of ONNX."""

from .converted import open_tflite

__all__ = ["open_tflite"]
