"""How far tensors lie apart, and the first that diverges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cam_core.compare.tensors import apart, first_apart, tensor_record, tensors_apart
from cam_core.errors import InputError, ModelError


def test_the_numbers_are_their_formulas() -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 3, 4))
    found = apart("t", a, b)
    pairs = list(zip(a.ravel(), b.ravel(), strict=True))
    largest = max(abs(q - p) for p, q in pairs)
    assert found.largest == pytest.approx(largest)
    assert found.relative == pytest.approx(largest / max(abs(p) for p, _ in pairs))
    noise = sum((q - p) ** 2 for p, q in pairs)
    assert found.sqnr == pytest.approx(10 * np.log10(sum(p * p for p, _ in pairs) / noise))
    dot = sum(p * q for p, q in pairs)
    norms = sum(p * p for p, _ in pairs) ** 0.5 * sum(q * q for _, q in pairs) ** 0.5
    assert found.cosine == pytest.approx(dot / norms)


def test_equal_empty_and_broken_ones() -> None:
    one = np.ones(3)
    same = apart("t", one, one)
    assert (same.largest, same.relative, same.sqnr, same.cosine) == (0, 0, np.inf, 1)
    zero = apart("t", 0 * one, one)
    assert (zero.largest, zero.relative, zero.sqnr) == (1, np.inf, -np.inf)
    broken = apart("t", one, np.array([1, np.nan, 1]))
    assert (broken.relative, broken.sqnr) == (np.inf, -np.inf)
    assert first_apart([same, broken]) is broken
    assert first_apart([same]) is None


def test_those_of_one_name_in_order() -> None:
    a = {"x": np.ones(2), "y": np.ones(3), "z": np.ones(4)}
    found = tensors_apart(a, {"z": np.ones(4), "x": np.ones(2), "y": np.ones(5)})
    assert [one.tensor for one in found] == ["x", "z"]
    with pytest.raises(ModelError, match=r"no tensor has one name in both: A has x, y, z.*B p"):
        tensors_apart(a, {"p": np.ones(2)})


def test_a_planted_scale_is_where_files_begin_to_diverge() -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("torch")
    from tests.core.two_networks import BACKENDS, MODELS

    cnn = MODELS["cnn"]
    a = BACKENDS["onnx"](cnn)
    b = a.with_weights(lambda name, w: 2 * w if name == "conv2_weight" else w)
    x: Any = np.random.default_rng(1).normal(size=(1, *cnn.size)).astype(np.float32)
    found = tensor_record(a, b, (x, x))
    assert found["first"] == "conv2"
    assert "the first apart by more than 0.1% is 'conv2'" in found["said"]
    rows = {row["tensor"]: row for row in found["tensors"]}
    assert rows["early"]["sqnr"] is None  # equal: infinitely good
    assert rows["conv2"]["cosine"] == pytest.approx(1)
    assert rows["conv2"]["sqnr"] == pytest.approx(0, abs=1e-4)  # the noise is as strong as it
    assert "none apart by more" in tensor_record(a, a, (x, x))["said"]
    with pytest.raises(InputError, match=r"compares two \.onnx files"):
        tensor_record(a, BACKENDS["torch"](cnn), (x, x))
