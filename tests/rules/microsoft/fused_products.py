"""Rows of test_fused_operators.py: convolutions and matrix products with what is fused to them."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np


def conv(x: Any, w: Any, b: Any = None, stride: int = 1, pad: int = 0, group: int = 1) -> Any:
    """Output by output."""
    n, _, h, width = x.shape
    o, c, kh, kw = w.shape
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    rows, columns = (h + 2 * pad - kh) // stride + 1, (width + 2 * pad - kw) // stride + 1
    y = np.zeros((n, o, rows, columns))
    for i, k, r, s in product(range(n), range(o), range(rows), range(columns)):
        first = k // (o // group) * c
        patch = x[i, first : first + c, r * stride : r * stride + kh, s * stride : s * stride + kw]
        y[i, k, r, s] = np.sum(patch * w[k]) + (0 if b is None else b[k])
    return y


def nhwc(x: Any) -> Any:
    return np.moveaxis(x, 1, -1)


def nchw(x: Any) -> Any:
    return np.moveaxis(x, -1, 1)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


ACTIVATIONS = {
    'activation="Relu"': lambda x: np.maximum(x, 0),
    'activation="Sigmoid"': sigmoid,
    'activation="Tanh"': np.tanh,
    'activation="HardSwish"': lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    'activation="LeakyRelu", activation_params=[0.2]': lambda x: np.where(x > 0, x, 0.2 * x),
    'activation="Clip", activation_params=[-0.75, 1.125]': lambda x: np.clip(x, -0.75, 1.125),
    'activation="HardSigmoid", activation_params=[0.3, 0.4]': lambda x: np.clip(
        0.3 * x + 0.4, 0, 1
    ),
}
IMAGE = {"x": (2, 4, 5, 6), "w": (6, 4, 3, 3), "b": (6,)}
SUMMED = {"x": (2, 4, 5, 6), "w": (6, 4, 3, 3), "b": (6,), "z": (2, 6, 5, 6)}
PADDED = "kernel_shape=[3,3], pads=[1,1,1,1]"


def fused_conv(text: str, act: Any) -> tuple[Any, ...]:
    body = f"y = com.microsoft.FusedConv<{PADDED}, {text}>(x, w, b)"
    return "FusedConv", body, IMAGE, lambda x, w, b: act(conv(x, w, b, pad=1)), {}


CONVOLUTIONS = [
    *(fused_conv(text, act) for text, act in ACTIVATIONS.items()),
    (
        "FusedConv",
        'y = com.microsoft.FusedConv<group=4, activation="Relu">(x, w)',
        {"x": (2, 4, 7, 7), "w": (4, 1, 3, 3)},
        lambda x, w: np.maximum(conv(x, w, group=4), 0),
        {},
    ),
    (
        "FusedConv",
        'y = com.microsoft.FusedConv<strides=[2,2], activation="Relu">(x, w)',
        {"x": (2, 4, 7, 7), "w": (6, 4, 3, 3)},
        lambda x, w: np.maximum(conv(x, w, stride=2), 0),
        {"opsets": (7, 17), "dynamic": {"x": ("N", 4, 7, 7)}},
    ),
    (
        "FusedConv",
        f'y = com.microsoft.FusedConv<{PADDED}, activation="Relu">(x, w, b, z)',
        SUMMED,
        lambda x, w, b, z: np.maximum(conv(x, w, b, pad=1) + z, 0),
        {"dynamic": SUMMED | {"x": ("N", 4, 5, 6), "z": ("N", 6, 5, 6)}},
    ),
    (
        "FusedConv",
        f"y = com.microsoft.FusedConv<{PADDED}>(x, w,, z)",
        {name: SUMMED[name] for name in "xwz"},
        lambda x, w, z: conv(x, w, pad=1) + z,
        {},
    ),
    (
        "FusedConv",
        'y = com.microsoft.FusedConv<auto_pad="SAME_UPPER", activation="Relu">(x, w, b)',
        IMAGE,
        lambda x, w, b: np.maximum(conv(x, w, b, pad=1), 0),
        {},
    ),
    (
        "NhwcConv",
        f"y = com.microsoft.NhwcConv<{PADDED}>(x, w, b)",
        {"x": (2, 5, 6, 4), "w": (6, 3, 3, 4), "b": (6,)},
        lambda x, w, b: nhwc(conv(nchw(x), nchw(w), b, pad=1)),
        {"kernel": False},
    ),
    (
        "NhwcFusedConv",
        f'y = com.microsoft.NhwcFusedConv<{PADDED}, activation="Relu">(x, w, b, z)',
        {"x": (2, 5, 6, 4), "w": (6, 4, 3, 3), "b": (6,), "z": (2, 5, 6, 6)},
        lambda x, w, b, z: np.maximum(nhwc(conv(nchw(x), w, b, pad=1)) + z, 0),
        {"kernel": False},
    ),
]

GEMM = {
    'activation="Relu"': lambda x: np.maximum(x, 0),
    'activation="Sigmoid"': sigmoid,
    'activation="Tanh"': np.tanh,
    'activation="Softplus"': lambda x: np.log1p(np.exp(x)),
    'activation="Softsign"': lambda x: x / (1 + np.abs(x)),
    'activation="LeakyRelu", activation_alpha=0.2': lambda x: np.where(x > 0, x, 0.2 * x),
    'activation="Elu", activation_alpha=0.75': lambda x: np.where(x > 0, x, 0.75 * np.expm1(x)),
    'activation="Celu", activation_alpha=0.75': lambda x: np.where(
        x > 0, x, 0.75 * np.expm1(x / 0.75)
    ),
    'activation="ThresholdedRelu", activation_alpha=0.5': lambda x: np.where(x > 0.5, x, 0),
    'activation="HardSigmoid", activation_alpha=0.3, activation_beta=0.4': lambda x: np.clip(
        0.3 * x + 0.4, 0, 1
    ),
    'activation="Selu", activation_alpha=1.5, activation_gamma=1.1': lambda x: (
        1.1 * np.where(x > 0, x, 1.5 * np.expm1(x))
    ),
}


def fused_gemm(text: str, act: Any) -> tuple[Any, ...]:
    body = f"y = com.microsoft.FusedGemm<transB=1, {text}>(a, b, c)"
    inputs = {"a": (3, 4), "b": (5, 4), "c": (5,)}
    return "FusedGemm", body, inputs, lambda a, b, c: act(a @ b.T + c), {}


def turned(x: Any, batch: bool, last: bool) -> Any:
    """Index by index: the first axis before the last, then the last two exchanged."""
    if batch:
        x = np.stack([x[:, j] for j in range(x.shape[1])]) if x.ndim == 3 else np.moveaxis(x, 0, -2)
    return np.swapaxes(x, -1, -2) if last else x


def fused_matmul(batch: str, last: str, a: Any, b: Any, operator: str = "FusedMatMul") -> Any:
    flags = [f"trans{side}=1" for side in last] + [f"transBatch{side}=1" for side in batch]
    body = f"y = com.microsoft.{operator}<{', '.join([*flags, 'alpha=0.3'])}>(a, b)"

    def formula(a: Any, b: Any) -> Any:
        left = turned(a, "A" in batch, "A" in last)
        return 0.3 * left @ turned(b, "B" in batch, "B" in last)

    return operator, body, {"a": a, "b": b}, formula, {}


PRODUCTS = [
    *(fused_gemm(text, act) for text, act in GEMM.items()),
    (
        "FusedGemm",
        'y = com.microsoft.FusedGemm<transA=1, alpha=0.5, beta=2.0, activation="Relu">(a, b, c)',
        {"a": (4, 3), "b": (4, 5), "c": (3, 1)},
        lambda a, b, c: np.maximum(0.5 * a.T @ b + 2 * c, 0),
        {"opsets": (11, 17)},
    ),
    fused_matmul("", "", (3, 4), (4, 5)),
    fused_matmul("", "A", (2, 4, 3), (4, 5)),
    fused_matmul("", "B", (2, 3, 4), (2, 5, 4)),
    fused_matmul("", "AB", (2, 1, 4, 3), (1, 3, 5, 4)),
    fused_matmul("A", "", (3, 2, 4), (2, 4, 5)),
    fused_matmul("B", "", (2, 3, 4), (4, 2, 5)),
    fused_matmul("AB", "B", (3, 2, 6, 4), (5, 2, 6, 4)),
    fused_matmul("A", "A", (4, 2, 3), (2, 4, 5)),
    fused_matmul("", "B", (2, 3, 4), (2, 5, 4), "TransposeMatMul"),
    (
        "FusedMatMulActivation",
        'y = com.microsoft.FusedMatMulActivation<transB=1, activation="Relu">(a, b)',
        {"a": (2, 3, 4), "b": (5, 4)},
        lambda a, b: np.maximum(a @ b.T, 0),
        {"kernel": False},
    ),
    (
        "FusedMatMulActivation",
        'y = com.microsoft.FusedMatMulActivation<activation="Softmax", activation_axis=-1>(a, b)',
        {"a": (2, 3, 4), "b": (4, 5)},
        lambda a, b: softmax(a @ b),
        {"kernel": False},
    ),
]

CASES = CONVOLUTIONS + PRODUCTS
