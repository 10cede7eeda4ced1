"""The backend of .onnx files with OpenVINO in place of onnxruntime."""

from .opening import open_in_openvino

__all__ = ["open_in_openvino"]
