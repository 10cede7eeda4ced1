"""The benchmark of methods: the parts that it runs, what it makes of them, and the page."""

from __future__ import annotations

import importlib
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cam_core import METHODS, explain
from cam_core.methods.occlusion import cover
from tests.paths import ROOT

if not (ROOT / "benchmarks").exists():
    pytest.skip("this tree has no benchmarks", allow_module_level=True)
torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
from backends.onnx import OnnxBackend  # noqa: E402
from benchmarks.methods.parts import WINDOWS, Part, parts  # noqa: E402
from benchmarks.methods.table import figure, page, table  # noqa: E402
from benchmarks.speed.blocks import Spread  # noqa: E402
from benchmarks.speed.row import Row, read  # noqa: E402
from tests.core.methods.counted import counted  # noqa: E402
from tests.core.methods.forward_net import net, pictures  # noqa: E402
from tests.core.methods.peer_net import LAYER, module, peer  # noqa: E402
from tests.core.methods.peer_net import pictures as seen  # noqa: E402

MAIN = importlib.import_module("benchmarks.methods.__main__")
MEASURE = importlib.import_module("benchmarks.methods.measure")
PEERS = importlib.import_module("benchmarks.methods.peers")
PAGE = ROOT / "docs" / "methods.md"
HERE = {"occlusion"}
"""Whose windows are of a picture of 224 x 224."""
ROW = Row("ours", "resnet50", "gradcam", Spread(1.0, 0.5, 123.4))


@pytest.mark.parametrize("name", sorted(set(parts(3, 8)) - HERE))
def test_a_part_of_a_method_is_of_so_many_passes(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = parts(3, 8)[name]
    backend = OnnxBackend(net())
    rows = counted(monkeypatch)
    explain(backend, pictures()[:1], 1, name, **part.options)
    assert rows["looks"] == 1 + part.passes


def test_the_whole_is_what_a_method_does_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = OnnxBackend(net())
    rows = counted(monkeypatch)
    for name in ("iscam", "sscam", "scorecam", "smoothgrad", "integrated"):
        rows.clear()
        explain(backend, pictures()[:1], 1, name)
        assert rows["looks"] == 1 + parts(3, 8)[name].whole


def test_windows_are_those_of_the_default_and_of_the_part() -> None:
    occlusion = parts(3, 8)["occlusion"]
    assert len(cover(224, 28, 14)) ** 2 == occlusion.whole
    assert len(cover(224, WINDOWS["window"], WINDOWS["stride"])) ** 2 == occlusion.passes


def test_the_look_is_paid_once() -> None:
    assert Part(passes=8, whole=40).all(9.0, first=1.0) == 1 + 8 * 5
    assert Part(passes=8, whole=40).all(8.0) == 40


def test_passes_are_those_of_the_whole(tmp_path: Path) -> None:
    bench = object.__new__(MEASURE.Bench)
    bench.backend, bench.x, bench.parts = OnnxBackend(net()), pictures()[:1], parts(3, 8)
    bench.model = MAIN.Model("small", "small", module="r2")
    expected = {
        "gradcam": "1 + 1 back",
        "eigencam": "1",
        "scorecam": "9",
        "integrated": "51 + 50 back",
        "shapleycam": "2 + 3 back",
        "ablationcam": "1",
        "iscam": "81",
    }
    assert {name: bench.passes(name) for name in expected} == expected


def test_peers_are_of_our_methods() -> None:
    assert set(PEERS.PEERS) <= set(METHODS)


@pytest.mark.filterwarnings("ignore")  # the peers' own
@pytest.mark.parametrize("name", sorted(set(PEERS.PEERS) - HERE - {"cam"}))
def test_peers_run_so_many_passes(name: str) -> None:
    for package in ("pytorch_grad_cam", "torchcam", "captum"):
        peer(package)
    for make in PEERS.PEERS[name].values():
        net, rows = module(), []  # type: ignore[var-annotated]
        run, passes = make(PEERS.Asked(net, LAYER, torch.from_numpy(seen()[:1]), 2))
        net.register_forward_pre_hook(lambda _, given, rows=rows: rows.append(len(given[0])))
        run()
        assert sum(rows) == passes if passes else sum(rows) in range(1, 10)


def test_candidates_take_turns_and_short_ones_run_more_often() -> None:
    now, ran = [0.0], []

    def taking(name: str, seconds: float) -> Any:
        def run() -> None:
            ran.append(name)
            now[0] += seconds

        return run

    runs = {"plain": taking("plain", 0.25), "ours": taking("ours", 3.0)}
    found = MEASURE.in_turn(runs, MEASURE.Setting(Path(), rounds=2, clock=lambda: now[0]))
    assert found == {"plain": [0.25, 0.25], "ours": [3.0, 3.0]}
    assert [ran.count(name) for name in runs] == [1 + 2 * 2, 1 + 2]


def test_what_is_known_is_not_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Bench:
        def __init__(self, model: Any, setting: Any) -> None:
            self.model = model

        def rows(self, method: str) -> Iterator[Row]:
            yield Row("ours", self.model.key, method)

    monkeypatch.setattr(MAIN, "Bench", Bench)
    asked = Namespace(only=["gradcam", "hirescam", "rollout"], model=None)
    made = MAIN.measured(asked, MEASURE.Setting(Path()), {ROW.key: ROW})
    keys = [row.key for rows in made for row in rows]
    assert keys == [("ours", "resnet50", "hirescam"), ("ours", "deit_s", "rollout")]


def test_a_row_has_what_was_counted_and_the_peers() -> None:
    rows = [
        Row("passes", "resnet50", "gradcam", note="1 + 1 back"),
        ROW,
        Row("captum", "resnet50", "gradcam", Spread(123.4, 1.0, 200.0)),
        Row("captum, in twos", "resnet50", "gradcam", Spread(12.0, 1.0, 200.0)),
        Row("torch-cam", "resnet50", "gradcam", note="ValueError: no"),
    ]
    about = {"processor": "P", "cores": "2", "threads": "1", "rounds": "3", "clock": "time"}
    made = table(about, {row.key: row for row in rows}, {"resnet50": "ResNet-50", "x": "X"})
    told = [cell.strip() for cell in made.splitlines()[-1][1:-1].split("|")]
    peers = ["", "(ValueError: no)", "123; 12 in twos", ""]
    assert told == ["`gradcam`", "1 + 1 back", "1", *peers]
    assert "X" not in made.split("**")


def test_figures_have_three_digits() -> None:
    assert [figure(v) for v in (1.0456, 12.345, 99.94, 123.4, 20481.0)] == [
        *("1.05", "12.3", "99.9", "123", "20481")
    ]


def test_the_page_has_the_recorded_rows_and_nothing_else_moves() -> None:
    if not PAGE.exists():
        pytest.skip("this tree has no docs")
    text = PAGE.read_text(encoding="utf-8")
    about, rows = read(MAIN.ROWS)
    names = {key: model.name for key, model in MAIN.MODELS.items()}
    assert page(text, table(about, rows, names)) == text
