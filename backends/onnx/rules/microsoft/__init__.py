"""The rules of what onnxruntime fuses and of its other operators (com.microsoft)."""

from . import (
    contrib_attention,
    contrib_grouped,
    contrib_rotary,
    fused,
    fused_activation,
    fused_norms,
    packed,
    qlinear,
)

__all__ = [
    "contrib_attention",
    "contrib_grouped",
    "contrib_rotary",
    "fused",
    "fused_activation",
    "fused_norms",
    "packed",
    "qlinear",
]
