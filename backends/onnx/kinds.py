"""Operators by what they have in common, each as (domain, operator); "" is ai.onnx."""

from __future__ import annotations

RANDOM = frozenset(
    {
        ("", "Bernoulli"),
        ("", "Multinomial"),
        ("", "RandomNormal"),
        ("", "RandomNormalLike"),
        ("", "RandomUniform"),
        ("", "RandomUniformLike"),
        ("com.microsoft", "Sampling"),
    }
)
"""They give something else at every run. Those that do in training mode only: `draws.py`."""
