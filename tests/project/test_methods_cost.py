"""The benchmark of methods: how many passes it says that a part of a method takes."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from cam_core import METHODS, explain
from tests.paths import ROOT

if not (ROOT / "benchmarks").exists():
    pytest.skip("this tree has no benchmarks", allow_module_level=True)
torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
from backends.onnx import OnnxBackend  # noqa: E402
from tests.core.methods.counted import counted  # noqa: E402
from tests.core.methods.forward_net import module, net, pictures  # noqa: E402

MAIN = importlib.import_module("benchmarks.methods.__main__")
PEERS = importlib.import_module("benchmarks.methods.peers")


@pytest.mark.parametrize("name", MAIN.parts(3, 8))
def test_a_part_of_a_method_is_of_so_many_passes(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = MAIN.parts(3, 8)[name]
    backend = OnnxBackend(net())
    rows = counted(monkeypatch)
    options = {"channels": 3} if name == "fast-scorecam" else part.options
    explain(backend, pictures()[:1], 1, name, **options)
    assert rows["looks"] == 1 + 3
    assert part.passes == (10 if name == "fast-scorecam" else 3)


def test_the_whole_is_what_a_method_does_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = OnnxBackend(net())
    rows = counted(monkeypatch)
    for name in ("iscam", "sscam"):
        rows.clear()
        explain(backend, pictures()[:1], 1, name)
        assert rows["looks"] == 1 + MAIN.parts(3, 8)[name].whole


def test_peers_are_of_our_methods_and_run() -> None:
    assert set(PEERS.PEERS) <= set(METHODS)
    PEERS.rise(module(), "", torch.from_numpy(pictures()[:1]), 3)()


def test_a_figure_is_a_share_of_its_spread() -> None:
    found = MAIN.Spread(2.0, 1.0, 4.0)
    np.testing.assert_array_equal([float(w) for w in MAIN._times(found, 3).split()[:1]], [6])
    assert MAIN._times(found, 3).endswith("(3 to 12)")
