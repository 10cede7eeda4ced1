"""The benchmark of speed: its arithmetic by a clock that is made up, its table, its page.

Nothing here asserts a time.
"""

from __future__ import annotations

import importlib
import json
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from backends.onnx import instrument
from cam_core.demo import MODEL
from tests.paths import ROOT
from tests.sessions import open_session

if not (ROOT / "benchmarks").exists():
    pytest.skip("this tree has no benchmarks", allow_module_level=True)


@pytest.fixture
def speed() -> Any:
    """Its modules by name: speed.blocks, speed.table, ..."""

    class Modules:
        def __getattr__(self, name: str) -> Any:
            return importlib.import_module(f"benchmarks.speed.{name}" if name != "main" else MAIN)

    return Modules()


MAIN = "benchmarks.speed.__main__"


class Machine:
    """A clock that candidates move on, on a machine whose load changes every round."""

    def __init__(self, **costs: float) -> None:
        self.now, self.load = 0.0, 1.0
        self.log: list[str] = []
        self.runs = {name: self.run(name, cost) for name, cost in costs.items()}

    def run(self, name: str, cost: float) -> Any:
        def advance() -> None:
            self.now += cost * self.load
            self.log.append(name)

        return advance

    def busier(self, _: str) -> None:
        self.load *= 1.7
        self.log.append("|")

    def rounds(self) -> list[list[str]]:
        return [part.split() for part in " ".join(self.log).split("|")[1:]]


def test_a_load_that_changes_meets_all_candidates(speed: Any) -> None:
    machine = Machine(plain=1.0, ours=1.5, cut=0.25)
    found = speed.blocks.interleave(machine.runs, 5, clock=lambda: machine.now, say=machine.busier)
    assert [len(times) for times in found.values()] == [5, 5, 5]
    assert found["plain"][-1] > 5 * found["plain"][0]
    ratio, beyond = speed.blocks.ratio(found, "ours"), speed.blocks.beyond(found, "cut")
    np.testing.assert_allclose([ratio.low, ratio.median, ratio.high], 1.5)
    np.testing.assert_allclose([beyond.low, beyond.median, beyond.high], 0.75)
    rounds = machine.rounds()
    assert len(rounds) == 5 + speed.blocks.WARM
    assert all(sorted(one) == ["cut", "ours", "plain"] for one in rounds)
    assert len({tuple(one) for one in rounds}) > 1  # no candidate always follows the same one


def test_blocks_are_as_long_for_a_fast_candidate(speed: Any) -> None:
    machine = Machine(plain=0.01, ours=0.05, slow=2.0)
    found = speed.blocks.interleave(
        machine.runs, 1, block=0.1, clock=lambda: machine.now, say=lambda _: machine.log.append("|")
    )
    for one in machine.rounds():
        assert [one.count(name) for name in machine.runs] == [10, 2, 1]
    np.testing.assert_allclose([found[name][0] for name in machine.runs], [0.01, 0.05, 2.0])


def test_median_and_quartiles(speed: Any) -> None:
    found = speed.blocks.spread([5.0, 1.0, 2.0, 4.0, 3.0])
    assert (found.low, found.median, found.high) == (2.0, 3.0, 4.0)


ROWS = (  # part, model, what, median
    ("default", "resnet50", "plain", 0.08),
    ("default", "resnet50", "default layer", 1.029),
    ("default", "resnet50", "gate shut", 1.011),
    ("default", "swin_t", "default layer", 1.2),
    ("default", "mine", "default layer", 1.4),
    ("peers", "resnet50", "captum", 2.2),
    ("peers", "resnet50", "captum in torch", 1.7),
    ("classes", "vit_b_16", "top:5", 1.3),
    ("tail", "vit_b_16", "after the layer", 0.07),
    ("classes", "vgg16", "top:5", 1.05),
    ("tail", "vgg16", "after the layer", -0.2),
    ("depth", "resnet50", "layer2", 1.9),
    ("depth", "resnet50", "after layer2", 0.7),
    ("memory", "vgg16", "peak", 1.5),
    ("openvino", "resnet50", "ours", 1.05),
    ("openvino", "resnet50", "openvino_xai", 1.04),
    ("openvino", "deit_s", "ours", 1.05),
    ("batch", "resnet50", "batch 8", 0.94),
    ("batch", "mobilenet_v2", "batch 8", 0.96),
    ("seconds", "chain", "instrument", 9.0),
    ("seconds", "package", "import cam_core", 0.3),
)
VERDICTS = """\
default layer, ResNet-50: OK at 1.03
default layer, Swin-T: MISS at 1.1
default layer, mine: - at None
gate shut, ResNet-50: MISS at 1.01
five classes, ViT-B/16: OK at 1.31
five classes, VGG-16: MISS at 1.03
middle layer (layer2), ResNet-50: MISS at 1.84
peak memory, VGG-16: OK at 1.6
on OpenVINO, ResNet-50: MISS at 1.1
on OpenVINO, DeiT-S: OK at 1.1
instrument, 10,000 nodes: OK at 10.0
import cam_core: MISS at 0.25
images/s, batch 8, ResNet-50: MISS at 0.95
images/s, batch 8, MobileNetV2: OK at 0.95"""


def made_up(speed: Any) -> dict[Any, Any]:
    rows = []
    for part, model, what, median in ROWS:
        found = speed.blocks.Spread(median, round(median - 0.01, 3), round(median + 0.02, 3))
        rows.append(speed.row.Row(part, model, what, found))
    rows.append(speed.row.Row("peers", "resnet50", "torch-cam", note="torchcam is not installed"))
    return {row.key: row for row in rows}


def test_targets_and_verdicts(speed: Any) -> None:
    found = speed.table.lines(made_up(speed))
    said = [
        f"{x.name}: {x.verdict} at {None if x.target is None else round(x.target, 4)}"
        for x in found
    ]
    assert said == VERDICTS.splitlines()


def test_the_table(speed: Any) -> None:
    """A line in full: the target, our median and quartiles, the verdict, the peers' figures."""
    lines = speed.table.table(speed.table.lines(made_up(speed))).splitlines()
    assert len({len(line) for line in lines}) == 1  # reads as text, too
    first = [cell.strip() for cell in lines[2].split("|")[1:-1]]
    ours = "1.029 (1.019 to 1.049)"
    assert first == ["default layer", "ResNet-50", "1.03", ours, "OK", "", "", "2.20", "", ""]


def test_the_page_has_rows_notes_and_reasons(speed: Any, tmp_path: Path) -> None:
    rows, about = made_up(speed), {"processor": "made up"}
    speed.row.write(tmp_path / "rows.jsonl", about, rows)
    assert speed.row.read(tmp_path / "rows.jsonl") == (about, rows)
    page = speed.page.page(about, rows, "Swin-T misses because of its windows.\n")
    assert "torch-cam, ResNet-50: torchcam is not installed" in page
    assert "| processor | made up |" in page
    assert speed.page.COMMAND in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "## What misses, and why\n\nSwin-T misses because of its windows.\n" in page
    speed.picture.draw(rows, tmp_path / "cost.png")
    assert (tmp_path / "cost.png").stat().st_size > 10_000


def test_boxes_are_told_beside_a_peer(speed: Any) -> None:
    """Ours in units of onnxruntime's forward pass, the peer's also in those of torch's."""
    found = {
        ("detector", "plain"): 0.002, ("detector", "one box"): 1.5, ("detector", "5 boxes"): 3.0,
        ("detector", "pytorch-grad-cam"): 80.0, ("detector", "pytorch-grad-cam in torch"): 10.0,
        ("yolox-nano", "plain"): 0.008, ("yolox-nano", "one box"): 1.2,
        ("yolox-nano", "5 boxes"): 1.7,
    }  # fmt: skip
    rows = {
        ("boxes", *key): speed.row.Row("boxes", *key, speed.blocks.Spread(v, v, v))
        for key, v in found.items()
    }
    lines = {line.name: line for line in speed.table.lines(rows)}
    assert lines["5 boxes, tiny detector"].peers == {"pytorch-grad-cam": 80.0}
    assert {name: line.verdict for name, line in lines.items()} == {
        "one box, tiny detector": "-", "5 boxes, tiny detector": "-",
        "one box, yolox-nano": "-", "5 boxes, yolox-nano": "MISS",
    }  # fmt: skip
    told = [[cell.strip() for cell in row.split("|")[1:-1]] for row in
            speed.page.tables(rows).split("## Five boxes")[1].splitlines()[4:]]  # fmt: skip
    assert told == [
        ["tiny detector", "2.00", "1.50", "3.00", "10.00"],
        ["yolox-nano", "8.00", "1.20", "1.70", "-"],
    ]


def test_the_page_is_of_the_rows(speed: Any) -> None:
    """And the notes name every line that misses."""
    main = speed.main
    about, rows = speed.row.read(main.ROWS)
    if not rows:
        assert not main.PAGE.exists(), "a page without rows"
        return
    notes = main.NOTES.read_text(encoding="utf-8")
    written = main.PAGE.read_text(encoding="utf-8")
    assert written == speed.page.page(about, rows, notes), "python -m benchmarks.speed --page"
    missed = [line.name for line in speed.table.lines(rows) if line.verdict == "MISS"]
    assert not [name for name in missed if name not in notes]


def test_a_whole_run_is_kept_and_published(
    speed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main, rows = speed.main, made_up(speed)
    monkeypatch.setattr(main, "NEEDED", ())
    monkeypatch.setattr(main, "measure", lambda *_: iter(rows.values()))
    for file in ("ROWS", "NOTES", "PAGE"):
        monkeypatch.setattr(main, file, tmp_path / file)
    monkeypatch.setattr(main, "PICTURE", tmp_path / "images" / "cost.png")
    main.main(["--only", "memory"])
    assert not main.ROWS.exists()  # a part is only printed
    main.main(["--rounds", "30"])
    about, kept = speed.row.read(main.ROWS)
    assert kept == rows
    assert about["rounds"] == "30"
    assert about["onnx"] == onnx.__version__
    assert platform.node() not in about.values()
    assert main.PAGE.read_text(encoding="utf-8") == speed.page.page(about, rows, "")
    assert main.PICTURE.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.onnx"], "there is no file nowhere.onnx"),
        (["--only", "resnet"], "--only resnet is unknown: there are default, classes"),
        ([str(MODEL), "--only", "resnet50"], "--only resnet50 is unknown"),
        (["--rounds", "0"], "at least 1"),
        (["--only", "memory"], 'no_package is not installed: pip install ".[cpu,bench]"'),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    speed: Any, arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed.main, "NEEDED", ("no_package",))
    with pytest.raises(SystemExit) as error:
        speed.main.main(arguments)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_peers_are_loaded_where_they_are_used() -> None:
    peers = ["torch", "pytorch_grad_cam", "torchcam", "captum", "onnx_ad", "openvino", "matplotlib"]
    code = f"import sys, benchmarks.speed.__main__; print(set({peers}) & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_a_peer_that_is_not_there_is_a_line(
    speed: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the user's own model, which has lines without targets."""
    monkeypatch.setitem(sys.modules, "onnx_ad", None)
    only = [word for part in ("default", "classes", "gradients") for word in ("--only", part)]
    speed.main.main([str(MODEL), "--rounds", "1", *only])
    out, err = capsys.readouterr()
    assert "onnx-ad, demo: onnx_ad is not installed" in out
    for what in ("default layer", "gate shut", "five classes", "input gradient"):
        assert f"| {what} " in out
    assert not err  # no progress without a terminal


def test_a_model_that_ends_at_the_layer(speed: Any, tmp_path: Path) -> None:
    made = instrument(MODEL, outputs="activations")
    ended = speed.models.cut(MODEL, speed.models.layer_of(made))
    session = open_session(ended)
    whole = open_session(made)
    image = session.get_inputs()[0]
    x = np.random.default_rng(0).normal(size=(1, 3, 128, 128)).astype(np.float32)
    (A,) = session.run(None, {image.name: x})
    (expected,) = whole.run(["cam_activations"], {image.name: x, "cam_class": np.array([0])})
    np.testing.assert_array_equal(A, expected)


def test_the_chain_is_as_long_as_asked_and_differentiable_throughout(speed: Any) -> None:
    chain = speed.models.chain(31)
    assert len(chain.graph.node) == 31
    made = instrument(chain, layer="t0", verify=True)
    assert len(made.graph.node) > 31 + 27  # at least one for each node after the layer


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux's own account")
def test_the_peak_is_the_process_own(speed: Any) -> None:
    """A child does not inherit this process's peak, as ru_maxrss would."""
    held = np.ones(60_000_000)
    command = [sys.executable, "-m", "benchmarks.speed.peak", str(MODEL), "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    before, after = json.loads(done.stdout)
    assert 10 < before < after < speed.peak.peak()
    assert speed.peak.peak() > held.nbytes / 1e6
