"""The assertion for other people's tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("torch")

from cam_core.errors import InputError
from cam_core.testing import assert_same_focus
from tests.core.two_networks import BACKENDS, MODELS, network, written

CNN = MODELS["cnn"]


@pytest.fixture
def x() -> Any:
    return np.random.default_rng(0).normal(size=(8, *CNN.size)).astype(np.float32)


def test_the_same_passes_from_modules_files_and_backends(x: Any, tmp_path: Any) -> None:
    path = tmp_path / "cnn.onnx"
    path.write_bytes(written(CNN).SerializeToString())
    for b in (path, str(path), path.read_bytes(), written(CNN), BACKENDS["onnx"](CNN)):
        assert assert_same_focus(network(CNN), b, x).verdict.word == "the same"
    assert assert_same_focus(network(CNN), path, list(x[:, None])).verdict.word == "the same"


def test_another_fails_with_the_verdict(x: Any) -> None:
    other = BACKENDS["onnx"](CNN).with_weights(
        lambda name, w: w[:, ::-1].copy() if name == "conv1_weight" else w
    )
    with pytest.raises(AssertionError, match="not the same: agreement"):
        assert_same_focus(network(CNN), other, x)
    assert_same_focus(network(CNN), other, x, allowed=["not the same", "not clear"])


def test_limits_take_the_place_of_the_verdict(x: Any) -> None:
    pair = network(CNN), BACKENDS["onnx"](CNN)
    assert_same_focus(*pair, x[:2], fail_if=["spearman.min<0.99", "flips.max>0"])
    with pytest.raises(AssertionError, match=r"gain.min<2: gain.min is 1 \("):
        assert_same_focus(*pair, x[:2], fail_if=["gain.min<2"])


def test_one_limit_may_be_a_text(x: Any) -> None:
    assert_same_focus(network(CNN), BACKENDS["onnx"](CNN), x[:2], fail_if="spearman.min<0.99")


def test_what_is_no_list_of_photos_is_said_in_a_line(x: Any) -> None:
    file = BACKENDS["onnx"](CNN)
    for none in ([], x[:0], {"x": x}):
        with pytest.raises(InputError, match="no photos: give 6 or more, an array"):
            assert_same_focus(file, file, none)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"x\[0\] has 4 rows: give one array of all photos"):
        assert_same_focus(file, file, [x[:4], x[4:]])
