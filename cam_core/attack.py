"""Pictures changed a little so that a model errs: FGSM and PGD in the largest difference (L-inf).

L is what is to rise: the loss of the class that is left, or minus that of a class to be taken for.
Pixels p have any shape and any scale; `eps` is a number or one a pixel, on their scale.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from .backend import Array, Backend, Inputs, Target
from .errors import InputError

Gradient = Callable[[Array], Array]
"""p -> dL/dp, of its shape."""
STEPS = 10
OVERSHOOT = 2.5
"""Radii that the steps of PGD are long together, so that it may cross the ball and come back."""


def fgsm(
    p: Array, gradient: Gradient, eps: Array | float, *, low: float = 0.0, high: float = 255.0
) -> Array:
    """p' = clip(p + eps sign(dL/dp), low, high) (Goodfellow et al. 2015, section 4).

    Of all p' in the ball the one of the largest L, where L is linear.
    """
    found: Array = np.clip(p + eps * np.sign(_slope(gradient, p)), low, high)
    return found


def pgd(
    p: Array,
    gradient: Gradient,
    eps: Array | float,
    *,
    low: float = 0.0,
    high: float = 255.0,
    steps: int = STEPS,
    seed: int = 0,
) -> Array:
    """p' = proj(p' + a sign(dL/dp')), `steps` times from a random start (Madry et al. 2018).

    a = 2.5 eps / steps; the projection is on the ball |p' - p| <= eps and on [low, high].
    """
    least, most = np.maximum(p - eps, low), np.minimum(p + eps, high)
    rng = np.random.default_rng(seed)
    found = np.clip(p + eps * rng.uniform(-1, 1, p.shape), least, most)
    for _ in range(steps):
        step = OVERSHOOT * eps / steps * np.sign(_slope(gradient, found))
        found = np.clip(found + step, least, most)
    return found


def whole(changed: Array, p: Array, eps: Array | float) -> Array:
    """The change in whole levels, none above eps: what a picture of 8 bits can hold.

    Args:
        p: whole levels themselves.
    """
    most = np.floor(np.asarray(eps) + 1e-9)  # 2/255 times 255 may lie a little below 2
    found: Array = p + np.clip(np.rint(changed - p), -most, most)
    return found


def input_slope(backend: Backend, x: Inputs, name: str, target: Target) -> Array:
    """dY/dx of one input, of its shape.

    Raises:
        InputError: the input has no gradient.
    """
    found = backend.look(x, layers=(), inputs=[name]).pull(target).inputs[name]
    return np.asarray(found, np.float64)


def fed(x: Inputs, name: str, changed: Array) -> Inputs:
    """What the model is fed with another array in place of that input."""
    return {**x, name: changed} if isinstance(x, Mapping) else changed


def _slope(gradient: Gradient, p: Array) -> Array:
    slope = gradient(p)
    if not np.isfinite(slope).all():
        raise InputError("the gradient of the input is not finite: no step can be taken")
    if not slope.any():
        raise InputError(
            "the gradient of the input is 0 everywhere: the score does not hang on it, or it is "
            "too sure to have a slope in this precision"
        )
    return slope


ATTACKS: dict[str, Callable[..., Array]] = {"fgsm": fgsm, "pgd": pgd}
"""By the name that is asked for."""
