"""benchmarks.cuda from end to end on the CPU, with a small network in the big ones' place."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from backends.onnx.running.runtime import loads
from tests.paths import ROOT

if not (ROOT / "benchmarks").exists():
    pytest.skip("this tree has no benchmarks", allow_module_level=True)
pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch")


def small(*_: Any) -> Any:
    torch.manual_seed(1)
    net = torch.nn.Sequential()
    net.add_module("layer4", torch.nn.Conv2d(3, 4, 3, padding=1))
    net.add_module("pool", torch.nn.AdaptiveAvgPool2d(1))
    net.add_module("flat", torch.nn.Flatten())
    net.add_module("fc", torch.nn.Linear(4, 6))
    return net.eval()


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Any:
    for module in ("speed.models", "cuda.runs"):
        monkeypatch.setattr(importlib.import_module(f"benchmarks.{module}"), "net", small)
    return importlib.import_module("benchmarks.cuda.__main__")


def test_it_runs_on_the_cpu(cuda: Any, tmp_path: Path, capsys: Any) -> None:
    asked = "--device cpu --models resnet50 --batches 2 --rounds 1 --size 8 --folder"
    cuda.main([*asked.split(), str(tmp_path)])
    out, notes = capsys.readouterr()
    table = [line.strip("| ").split(" | ") for line in out.splitlines() if line.startswith("|")]
    head, _, *lines = table
    assert [line[:3] for line in lines] == [
        ["ResNet-50", kind, "2"] for kind in ("float32", "float16")
    ]
    absent = {line.split(": ")[1] for line in notes.splitlines()}
    assert absent <= {"pytorch-grad-cam", "captum"}
    for line in lines:
        cells = dict(zip(head, line, strict=True))
        for name, cell in cells.items():
            if name.split(" / ")[0] in absent:
                assert cell == "-"
            elif " / " in name:
                assert float(cell) > 0
        assert float(cells["explained off"]) < 1e-6
        assert float(cells["graph explained off"]) < 1e-6


def test_without_a_gpu_it_says_so_in_one_line(cuda: Any) -> None:
    if loads("CUDAExecutionProvider"):
        pytest.skip("a machine whose CUDA libraries load")
    with pytest.raises(SystemExit) as end:
        cuda.main([])
    assert str(end.value).startswith("no CUDA device here: ")
    assert "\n" not in str(end.value)
