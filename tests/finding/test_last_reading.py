"""How a head reads a layer, in whatever operators it is written, against what was written."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from backends.onnx import OnnxBackend
from backends.onnx.finding.last_reading import windowed
from tests.heads_net import HEADS, PLACES, backend
from tests.paths import ROOT


@pytest.mark.parametrize("name", HEADS)
def test_a_head_reads_as_it_is_written(name: str) -> None:
    head, expected, width = HEADS[name]
    assert backend(head, width).head_reads("a") == expected


def test_one_linear_layer_over_all_places_is_no_row_of_the_tables() -> None:
    assert backend("f = Flatten(a)", 5 * PLACES, layers=1).head_reads("a") == ""
    assert backend("g = GlobalMaxPool(a) f = Flatten(g)", 5, layers=1).head_reads("a") == "maximum"


@pytest.mark.parametrize(("head", "expected"), [("class", ""), ("mean", "mean")])
def test_attention_over_the_whole_picture_is_within_no_windows(head: str, expected: str) -> None:
    pytest.importorskip("torch")
    from tests import attentive

    file = attentive.exported(attentive.made(head=head), "torchscript", 17)
    found = OnnxBackend(file)
    assert not windowed(found.analysis.layers.route)
    assert found.head_reads(found.default_layer) == expected


@pytest.mark.parametrize("dynamo", [False, True])
def test_attention_within_windows_is_told(dynamo: bool, tmp_path: Any) -> None:
    torch = pytest.importorskip("torch")
    if not (ROOT / "benchmarks").exists():
        pytest.skip("this tree has no benchmarks, whose network this is")
    from benchmarks.ranking.nets import SIDE, Transformer

    path, x = tmp_path / "net.onnx", torch.rand(1, 3, SIDE, SIDE)
    for within in (True, False):
        net = Transformer(4, windows=within).eval()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporters'
            torch.onnx.export(net, (x,), path, dynamo=dynamo, verbose=False)
        found = OnnxBackend(path)
        assert found.head_reads(found.default_layer) == ("windows" if within else "mean")
