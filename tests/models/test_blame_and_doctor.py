"""Blame and the doctor on MobileNetV2 and its int8 copy, and on a detector."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.commands.calls import call
from tests.paths import DATA

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the shared models are not here")

PLAIN, INT8 = (DATA / "models" / f"mobilenetv2-{kind}.onnx" for kind in ("fp32", "int8-qdq"))
PHOTOS = [DATA / "images" / name for name in ("both.png", "zebra.jpg", "horses.jpg", "bee.jpg")]


def record(*arguments: object) -> Any:
    done = call(*arguments, "--json")
    assert done.exit_code in (0, 1), done.output
    return json.loads(done.stdout)


def test_eight_tensors_make_much_of_the_drift() -> None:
    """On photos that ranked nothing; by SQNR as many make less. (Of 64 photos, 0.38 is left.)"""
    photos = sorted((DATA / "coco" / "images").iterdir())[:24]
    found = record("blame", PLAIN, INT8, *photos, "--preprocess", "imagenet")
    (point,) = (p for p in found["curve"] if p["kept"] == 8)
    assert len(found["tensors"]) > 80
    assert point["blame"]["rms"] < 0.65 * found["before"]["rms"]
    assert point["blame"]["rms"] < point["sqnr"]["rms"]
    assert point["blame"]["worst_map"] > found["before"]["worst_map"]


@pytest.mark.parametrize(
    ("fed", "named"), [("unit", ["RGB ImageNet, crop"]), ("caffe", ["RGB ImageNet"])]
)
def test_the_int8_copy_is_fed_wrong(fed: str, named: list[str]) -> None:
    """ImageNet's preset cuts out of a larger photo than `unit` does, and as `caffe` does."""
    other = ("--against", PLAIN, "--against-preprocess", "imagenet")
    found = record("doctor", INT8, *PHOTOS, "--preprocess", fed, *other)
    assert found["named"] == named
    assert found["ways"][0]["flags"] == "--preprocess imagenet"


def test_the_int8_copy_is_fed_right() -> None:
    other = ("--against", PLAIN, "--against-preprocess", "imagenet")
    found = record("doctor", INT8, *PHOTOS, "--preprocess", "imagenet", *other)
    assert found["named"] == []
    assert found["ways"][0]["name"] == "as it is fed"


def test_a_detector_fed_red_first_and_cut_out(tmp_path: Path) -> None:
    model = DATA / "models" / "yolox-nano.onnx"
    arguments = ("--preprocess", "raw", "--against", model)
    found = record("doctor", model, *PHOTOS[:3], *arguments)
    assert found["named"] == ["BGR 0-255, corner"]
    assert found["ways"][0]["mean"] == pytest.approx(1, abs=1e-6)
