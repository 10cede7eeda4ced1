"""Rows for normalisation.py (see test_rules.py)."""

import numpy as np

_RNG = np.random.default_rng(5)


def _affine(channels, names="sbmv"):
    values = {
        "s": _RNG.normal(size=channels),
        "b": _RNG.normal(size=channels),
        "m": _RNG.normal(size=channels),
        "v": _RNG.uniform(0.5, 2, size=channels),
    }
    return {name: values[name] for name in names}


_CHANNEL = {"s": (3,), "b": (3,)}
_STATS = {"m": np.array([0.1, -0.2, 0.3]), "v": np.array([0.5, 1.0, 2.0])}
_BN = "y = BatchNormalization<epsilon=0.01>(x, s, b, m, v)"
_TRAINS = "the reference evaluator is in training mode before opset 14"
_SINGLE = "the reference evaluator computes in float32"
_CONSTANT = "the reference evaluator's function body has a float32 constant"
_SIGNED = "the reference evaluator takes no magnitudes for p=1"

CASES = [
    ("BatchNormalization", _BN, {"x": (2, 3, 4, 2), **_CHANNEL, **_STATS}, "2-D, affine inputs"),
    (
        "BatchNormalization",
        _BN,
        {"x": (2, 3, 4), **_affine(3)},
        "1-D",
        {"opsets": (14, 15), "dynamic": {"x": ("N", 3, "L")}},
    ),
    (
        "BatchNormalization",
        _BN,
        {"x": (2, 3, 4), **_affine(3)},
        "before opset 14",
        {"opsets": (7, 9, 13), "dynamic": {"x": ("N", 3, 4)}, "frozen": _TRAINS},
    ),
    ("BatchNormalization", _BN, {"x": (2, 3), **_affine(3)}, "no space"),
    ("BatchNormalization", _BN, {"x": (1, 3, 2, 2, 2), **_affine(3)}, "3-D"),
    (
        "BatchNormalization",
        "y = BatchNormalization<training_mode=0, momentum=0.5>(x, s, b, m, v)",
        {"x": (2, 3, 2, 2), **_affine(3)},
        "explicit inference",
        {"opsets": (14, 15)},
    ),
    (
        "LayerNormalization",
        "y = LayerNormalization<axis=-1, epsilon=0.01>(x, s, b)",
        {"x": (2, 3, 5), "s": (5,), "b": (5,)},
        "last axis",
        {"opsets": (17, 20), "dynamic": {"x": ("N", "T", 5)}},
    ),
    (
        "LayerNormalization",
        "y = LayerNormalization<axis=1>(x, s)",
        {"x": (2, 3, 4, 2), "s": (3, 4, 2)},
        "three axes, no bias",
    ),
    (
        "LayerNormalization",
        "y = LayerNormalization<axis=-2>(x, s, b)",
        {"x": (2, 3, 4), "s": np.ones((3, 4)) * 1.5, "b": (4,)},
        "two axes of dynamic extent, short bias",
        {"dynamic": {"x": ("N", "T", "D")}},
    ),
    (
        "InstanceNormalization",
        "y = InstanceNormalization<epsilon=0.01>(x, s, b)",
        {"x": (2, 3, 4, 2), **_CHANNEL},
        "2-D, affine inputs",
    ),
    (
        "InstanceNormalization",
        "y = InstanceNormalization(x, s, b)",
        {"x": (2, 3, 5), **_affine(3, "sb")},
        "1-D",
        {"opsets": (7, 13, 17), "dynamic": {"x": ("N", 3, 5)}},
    ),
    (
        "InstanceNormalization",
        "y = InstanceNormalization(x, s, b)",
        {"x": (2, 3, 5, 2), **_affine(3, "sb")},
        "dynamic space",
        {"opsets": (11, 18), "dynamic": {"x": ("N", 3, "H", "W")}},
    ),
    (
        "InstanceNormalization",
        "y = InstanceNormalization(x, s, b)",
        {"x": (1, 3, 2, 3, 2), **_affine(3, "sb")},
        "3-D",
    ),
    (
        "GroupNormalization",
        "y = GroupNormalization<num_groups=2, epsilon=0.01>(x, s, b)",
        {"x": (2, 4, 3, 2), "s": (4,), "b": (4,)},
        "one scale a channel",
        {"opsets": (21,), "dynamic": {"x": ("N", 4, "H", "W")}, "frozen": _SINGLE},
    ),
    (
        "GroupNormalization",
        "y = GroupNormalization<num_groups=3>(x, s, b)",
        {"x": (2, 3, 5), **_affine(3, "sb")},
        "as many groups as channels, 1-D",
        {"opsets": (21,), "frozen": _SINGLE},
    ),
    (
        "RMSNormalization",
        "y = RMSNormalization<axis=-1, epsilon=0.01>(x, s)",
        {"x": (2, 3, 5), "s": (5,)},
        "last axis",
        {"opsets": (23,), "dynamic": {"x": ("N", "T", 5)}},
    ),
    (
        "RMSNormalization",
        "y = RMSNormalization<axis=1>(x, s)",
        {"x": (2, 3, 4), "s": (3, 4)},
        "two axes",
        {"opsets": (23,)},
    ),
    (
        "MeanVarianceNormalization",
        "y = MeanVarianceNormalization(x)",
        {"x": (2, 3, 4, 2)},
        "default axes",
        {"opsets": (9,), "dynamic": {"x": ("N", 3, "H", 2)}, "frozen": _CONSTANT},
    ),
    (
        "MeanVarianceNormalization",
        "y = MeanVarianceNormalization<axes=[-1]>(x)",
        {"x": (2, 3, 4)},
        "one axis",
        {"opsets": (13, 17), "dynamic": {"x": ("N", 3, "L")}, "frozen": _CONSTANT},
    ),
    (
        "MeanVarianceNormalization",
        "y = MeanVarianceNormalization<axes=[0, 1, 2, 3]>(x)",
        {"x": (2, 3, 4, 2)},
        "across channels",
        {"frozen": _CONSTANT},
    ),
    (
        "LpNormalization",
        "y = LpNormalization(x)",
        {"x": (2, 3, 4)},
        "euclidean",
        {"opsets": (7, 17, 22), "dynamic": {"x": ("N", "T", 4)}},
    ),
    (
        "LpNormalization",
        "y = LpNormalization<axis=1, p=1>(x)",
        {"x": ((2, 3, 4), lambda v: np.where(v < 0, v - 0.1, v + 0.1))},
        "sum of magnitudes",
        {"opsets": (7, 17), "dynamic": {"x": ("N", 3, "L")}, "frozen": _SIGNED},
    ),
    (
        "LpNormalization",
        "y = LpNormalization<axis=1, p=1>(x)",
        {"x": ((2, 3, 4), lambda v: abs(v) + 0.1)},
        "sum",
    ),
    (
        "LRN",
        "y = LRN<size=3, alpha=0.5, beta=0.6, bias=1.5>(x)",
        {"x": (5, 5, 3, 2)},  # the reference evaluator needs as many samples as channels
        "odd window",
        {"opsets": (7, 13, 17), "dynamic": {"x": ("N", 5, 3, 2)}},
    ),
    (
        "LRN",
        "y = LRN<size=5, alpha=2.0>(x)",
        {"x": (3, 3, 2, 3)},
        "window wider than the channels, dynamic space",
        {"opsets": (13,), "dynamic": {"x": ("N", 3, "H", "W")}},
    ),
]
