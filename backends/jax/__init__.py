"""A pure function in JAX, or a Flax module, seen at its named points by jax.vjp."""

from .engine import JaxEngine
from .opening import open_in_jax

__all__ = ["JaxEngine", "open_in_jax"]
