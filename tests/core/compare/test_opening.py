"""Sides from files and from functions that make models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("torch")

from cam_core.backend import InputInfo
from cam_core.compare.opening import open_side, zeros
from cam_core.errors import CamError, ModelError

MODULE = """
import torch
from torch import nn

def tiny():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 2), nn.Flatten())

def pair():
    return tiny(), torch.zeros(1, 3, 5, 5)

class nets:
    made = tiny()

def broken():
    raise ValueError("no weights")
"""
INFO = InputInfo("x", ("N", 3, 4, 4), np.dtype(np.float32), 1)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mine_to_compare.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["tiny", "nets.made"])
def test_a_module_takes_what_the_other_side_takes(here: Path, name: str) -> None:
    found = open_side(f"mine_to_compare:{name}", [INFO], layer="1", providers=["cpu"])
    assert found.inputs()[0].shape == (None, 3, 4, 4)
    look = found.look(np.ones((2, 3, 4, 4), np.float32))
    assert list(look.layers) == ["1"]
    assert look.score.shape == (2, 2)


def test_a_pair_says_itself_what_it_takes(here: Path) -> None:
    assert open_side("mine_to_compare:pair").inputs()[0].shape == (None, 3, 5, 5)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("mine_to_compare:broken", "failed: ValueError: no weights"),
        ("mine_to_compare:tiny", r"give a pair \(model, example input\)"),
        ("missing.onnx", "no such file: 'missing.onnx'"),
    ],
)
def test_what_cannot_be_opened_is_a_line(here: Path, source: str, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        open_side(source)


def test_a_function_may_give_what_is_open_already(here: Path) -> None:
    Path("opened_to_compare.py").write_text(
        "from cam_core import open_backend\nfrom cam_core.demo import MODEL\n\n"
        "BACKEND = open_backend(MODEL)\n\ndef net():\n    return BACKEND\n"
    )
    found = open_side("opened_to_compare:net", layer="relu_3", optimization="basic")
    import opened_to_compare  # type: ignore[import-not-found]

    assert found is opened_to_compare.BACKEND


def test_what_no_backend_reads_is_told(here: Path) -> None:
    Path("other_to_compare.py").write_text("def f():\n    return 3\n")
    with pytest.raises(CamError, match=r"no backend explains a builtins\.int"):
        open_side("other_to_compare:f")


def test_examples_fit_the_inputs() -> None:
    assert zeros([INFO]).shape == (1, 3, 4, 4)
    free = InputInfo("p", ("N", "h", None, "c"), np.dtype(np.uint8), 3)
    found = zeros([free, INFO])
    assert (found["p"].shape, found["p"].dtype) == ((1, 224, 224, 3), np.uint8)
