"""An .onnx file on OpenVINO: the same backend, whose sessions OpenVINO runs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from cam_core.errors import InputError

from ..onnx import OnnxBackend
from .session import open_session


def open_in_openvino(
    source: Any,
    *,
    layer: str | int | None = None,
    score: str | None = None,
    guided: bool = False,
    static: Any = None,
    size: tuple[int, int] | None = None,
    device: str = "CPU",
    properties: Mapping[str, Any] | None = None,
) -> OnnxBackend:
    """A model file on OpenVINO, seen at its layers; forward and backward graph both run there.

    Args:
        source, layer, score, guided, static, size: as of `OnnxBackend`.
        device: OpenVINO's name for it, such as CPU, GPU or AUTO.
        properties: OpenVINO's own; the numbers are float32 unless INFERENCE_PRECISION_HINT says
            otherwise.

    Raises:
        InputError: an OpenVINO model (.xml), which has no operators that are differentiated here.
        MissingExtraError: OpenVINO is not installed.
    """
    if str(source).endswith(".xml"):
        raise InputError(f"'{source}' is OpenVINO's own format: give the .onnx it was made of")
    opener = partial(open_session, device=device, properties=dict(properties or {}))
    known: dict[str, Any] = {"layer": layer, "score": score, "static": static, "size": size}
    return OnnxBackend(source, guided=guided, opener=opener, **known)
