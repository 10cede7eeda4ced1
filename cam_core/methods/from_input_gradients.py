"""The methods that look at the gradient of the input: a map of the picture's own cells.

The same functions are traced into a file where they need no changed pictures, so the rules of
`from_gradients` hold here too.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..backend import Array
from ..errors import InputError
from ..maps.combine import combine, laid_over, positive, widened
from ..region import Region
from .from_gradients import divide, gradcam, over_space
from .question import Question


def largest(G: Array) -> Array:
    """max_c |G_c| [N, *S]: how strong a gradient [N, C, *S] is, whatever its sign."""
    strength: Array = np.max(np.abs(G), axis=(1,))
    return strength


def gradient(X: Array, G: Array) -> Array:
    """L = max_c |dY/dx_c| [N, *S] (Simonyan et al. 2014, section 3.1)."""
    return largest(G)


def gradient_times_input(X: Array, G: Array) -> Array:
    """alpha = dY/dx [N, C, *S], so that L = sum_c x_c dY/dx_c (Shrikumar et al. 2016).

    In a network of rectifiers without biases the map sums to Y.
    """
    return G


def guided(question: Question) -> Array:
    """L = max_c |R_c| [N, *S], R the guided gradient (Springenberg et al. 2015, section 3.4).

    R is dY/dx where every rectifier y = max(x, 0) passes back R_x = [x > 0] ReLU(R_y) for
    R_x = [x > 0] R_y. What is no rectifier keeps its derivative.
    """
    return largest(question.R)


def guided_gradcam(question: Question) -> Array:
    """L = max_c |R_c| upsample(ReLU(sum_k alpha_k A^k)) [N, *S] (Selvaraju et al. 2017, 3.2).

    R is the guided gradient, alpha that of Grad-CAM; the map is enlarged linearly. captum enlarges
    by the nearest cell and keeps R's channels and sign.
    """
    cam = positive(combine(question.A, gradcam(question.A, question.G)))
    return largest(question.R) * question.over_input(cam)


def smoothgrad(
    question: Question, *, samples: int = 50, noise: float = 0.15, seed: int = 0
) -> Array:
    """L = max_c |mean_i dY/dx(x + e_i)| [N, *S], e_i ~ N(0, sigma^2) (Smilkov et al. 2017).

    sigma is `noise` of the range max x - min x of a row, n = `samples`. The gradients are averaged
    with their sign, as in the paper; captum's NoiseTunnel over Saliency averages their magnitudes.
    """
    changed = noisy(question, samples, noise, seed)
    return largest(question.as_channels_first(_mean(question.gradients(changed), samples)))


def smoothgradcam_plus_plus(
    question: Question, *, samples: int = 8, noise: float = 0.15, seed: int = 0
) -> Array:
    """alpha_k = sum_S a ReLU(D1), a = D2 / (2 D2 + D3 sum_S A) [N, K, 1..] (Omeiza et al. 2019).

    Dp is the mean of (dY/dA)^p over n = `samples` pictures x + e_i (see `smoothgrad`), A that of x;
    for the score itself, without an exponential, as in `gradcam++`. torch-cam 0.5 takes for D1 the
    gradient of the last noisy picture alone, and so depends on the order in which they are drawn.
    """
    A = question.A
    D1, D2, D3 = np.zeros((3, *A.shape))
    for _, G in question.at_layer(noisy(question, samples, noise, seed)):
        g = G.astype(np.float64) / samples  # the third power of 1e-13 is no float32
        D1, D2, D3 = D1 + g, D2 + g * g * samples, D3 + g * g * g * samples**2
    a = divide(D2, 2.0 * D2 + D3 * over_space(np.sum, A))
    alpha: Array = over_space(np.sum, a * np.maximum(D1, 0.0))
    return alpha.astype(A.dtype)


def shapleycam(question: Question) -> Array:
    """alpha_k = mean_S (G - H A / 2)^k [N, K, 1..], H = d2Y/dA2 (Cai 2025, ShapleyCAM).

    H A is exact, by a second reverse pass through the first. Behind a last layer of rectifiers a
    logit is linear in A, and the map is Grad-CAM's: a probability (`prob:243`) is not.
    """
    return over_space(np.mean, question.G - question.HA / 2)


def integrated(
    question: Question,
    *,
    baseline: float | Array = 0.0,
    steps: int = 50,
    rule: str = "gauss-legendre",
) -> Array:
    """L = sum_c (x - x')_c int_0^1 dY/dx_c(x' + t (x - x')) dt [N, *S] (Sundararajan 2017, eq. 1).

    Completeness: L sums to Y(x) - Y(x'), as far as `steps` points of the `rule` (gauss-legendre or
    trapezoid) reach. x' is the `baseline`, in the numbers that the model is fed: 0 is black where
    pixels go from 0 to 1, and the mean colour where that is taken off.

    Raises:
        InputError: no such rule, or fewer than two steps.
    """
    x = question.picture.astype(np.float64)
    change = x - baseline
    points, weights = quadrature(rule, steps)
    changed = (baseline + t * change for t in points)
    total = sum(w * g for w, g in zip(weights, question.gradients(changed), strict=True))
    attribution: Array = np.sum(question.as_channels_first(change * total), axis=1)
    return attribution.astype(question.X.dtype)


def fullgrad(question: Question) -> Array:
    """L = sum_c psi(x dY/dx)_c + sum_l sum_k upsample(psi(b_l dY/dz_l)_k) [N, *S].

    z_l is what the bias b_l is added to make, psi(v) = |v| from its least to its largest value over
    all channels as 0 to 1 (Srinivas and Fleuret 2019, eq. 5, as in their code). All biases that
    have places count: of convolutions, matrix products, norms and constants that are added; those
    at the score have none. pytorch-grad-cam takes convolutions and BatchNorms alone, and rescales
    each channel by itself, which shows those of hardly any influence as bright as the others.

    Raises:
        InputError: the backend does not tell its biases.
    """
    cam: Array = np.sum(_rescaled(question.X * question.GX), axis=1)
    for part, region in bias_gradients(question):
        own = cam.ndim == part.ndim - 1 if region is None else region.input == question.input.name
        if not own or part.ndim < 3:  # places of another input, or none
            continue
        cam = cam + laid_over(np.sum(_rescaled(part), axis=1), cam.shape[1:], region)
    return cam


def bias_gradients(question: Question) -> Iterator[tuple[Array, Region | None]]:
    """b dY/dz [N, K, *S] of each layer with a bias, and what of the input it covers."""
    biases = getattr(question.backend, "biases", None)
    if biases is None:
        raise InputError("this backend does not tell its biases: open the .onnx file")
    look = question.backend.look(question.x, layers=list(biases))
    found = look.pull(question.target).layers
    for name, bias in biases.items():
        if len(found[name]) == question.rows:  # those of frames have no row of their own
            yield bias * widened(found[name]), look.regions.get(name)


def _rescaled(part: Array) -> Array:
    """psi(v) of each row."""
    axes = tuple(range(1, part.ndim))
    strength = np.abs(part)
    strength = strength - np.min(strength, axis=axes, keepdims=True)
    return divide(strength, np.max(strength, axis=axes, keepdims=True))


def quadrature(rule: str, steps: int) -> tuple[Array, Array]:
    """Points in [0, 1] and their weights, which sum to 1."""
    if steps < 2:
        raise InputError(f"an integral takes 2 steps at least, not {steps}")
    if rule == "gauss-legendre":
        points, weights = np.polynomial.legendre.leggauss(steps)
        return (points + 1) / 2, weights / 2
    if rule == "trapezoid":
        weights = np.full(steps, 1.0 / (steps - 1))
        weights[[0, -1]] /= 2
        return np.linspace(0, 1, steps), weights
    raise InputError(f"no rule '{rule}' of an integral; there are gauss-legendre, trapezoid")


def noisy(question: Question, samples: int, noise: float, seed: int) -> Iterator[Array]:
    """`samples` pictures x + e, the same ones for a seed."""
    if samples < 1 or noise < 0:
        raise InputError(f"noise takes 1 sample and a share of 0 at least: {samples}, {noise}")
    x, rng = question.picture, np.random.default_rng(seed)
    axes = tuple(i for i in range(x.ndim) if i != question.input.row_axis)
    sigma = noise * np.ptp(x.astype(np.float32), axis=axes, keepdims=True)
    return (x + sigma * rng.standard_normal(x.shape, np.float32) for _ in range(samples))


def _mean(values: Iterator[Array], count: int) -> Array:
    total: Array = sum(value.astype(np.float64) / count for value in values)  # type: ignore[assignment]
    return total.astype(np.float32)
