"""The record of a comparison."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from cam_core.compare import compare
from cam_core.compare.record import METRICS, record, statistics
from tests.core.two_networks import BACKENDS, MODELS

CNN = MODELS["cnn"]


@pytest.fixture
def x() -> Any:
    return np.random.default_rng(0).normal(size=(7, *CNN.size)).astype(np.float32)


def test_it_is_json_and_holds_what_was_found(x: Any) -> None:
    pair = [BACKENDS[name](CNN) for name in ("chain", "onnx")]
    found = compare(*pair, x, labels=["a", "b", "c", "d", "e"], layer_b="default")
    made = json.loads(json.dumps(record(found), allow_nan=False))
    assert made["verdict"]["line"] == found.verdict.line
    assert (made["method"], made["sample"], made["seed"]) == ("gradcam", 7, 0)
    one, pair_of = made["photos"][3], found.pairs[3]
    assert one["input_sha256"] == [hashlib.sha256(x[3:4].tobytes()).hexdigest()] * 2
    assert one["spearman"] == pytest.approx(pair_of.measures["spearman"])
    assert one["score"] == pytest.approx(abs(pair_of.scores[0] - pair_of.scores[1]))
    assert one["answers"][0]["label"] == "abcde"[one["answers"][0]["index"]]
    assert made["bounds"]["noise"] == pytest.approx(
        np.median([p["bounds"]["noise"] for p in made["photos"]])
    )
    floor, ceiling = made["verdict"]["floor"], made["verdict"]["ceiling"]
    assert one["way"] == pytest.approx((floor - one["spearman"]) / (floor - ceiling))
    assert set(made["statistics"]) == set(METRICS)


def test_statistics_are_of_all_photos() -> None:
    photos = [{"iou": v} for v in (0.1, None, 0.5)]
    found = statistics(photos)
    assert found["iou"]["mean"] == pytest.approx(0.3)
    assert found["flips"]["mean"] is None
