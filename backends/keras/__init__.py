"""Keras 3 models on TensorFlow, JAX or torch, seen at their layers."""

from .opening import open_in_keras

__all__ = ["open_in_keras"]
