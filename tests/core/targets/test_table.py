"""The table of targets is complete, and a target that nobody foresaw is one row of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from backends.onnx import OnnxBackend, instrument
from cam_core import explain, explain_all
from cam_core.cli.group import gradcam
from cam_core.demo import LABELS, MODEL
from cam_core.targets import NONE, TARGETS, Asking, Kind, Outputs, ScoredTarget, parse_target
from cam_core.targets.labels import find_class
from cam_core.targets.scores import class_score, one_hot, pick
from tests.paths import ROOT

ort = pytest.importorskip("onnxruntime")

GRAMMAR = ROOT / "docs" / "targets.md"
WRITTEN = [name for name, kind in TARGETS.items() if kind.written]


@pytest.mark.parametrize("name", WRITTEN)
def test_what_a_row_says_is_read_by_it(name: str) -> None:
    kind = TARGETS[name]
    found = kind.read(kind.written, Asking())
    assert found is not None
    assert parse_target(kind.written) == found
    assert (len(found) > 1) == kind.several


@pytest.mark.parametrize("name", WRITTEN)
def test_every_row_is_documented(name: str) -> None:
    assert f"`{TARGETS[name].written}`" in GRAMMAR.read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["3", "top:2", "prob:4", "prob:top", "1-4", "-1"])
def test_a_label_and_a_name_are_read_again(text: str) -> None:
    for target in parse_target(text):
        index = 4 if target.label.startswith(("top", "prob")) else None
        assert parse_target(target.name(index))[0].name(index) == target.name(index)


# a target of somebody else, in one place


@dataclass(frozen=True)
class HalfTarget(ScoredTarget):
    """Y = y^c / 2."""

    index: int | tuple[int, ...] = -1
    class_axis: int = 1
    unit = "half a score"

    @property
    def label(self) -> str:
        return f"half:{self.index}"

    def __call__(self, y: Any, outputs: Outputs = NONE) -> Any:
        return one_hot(y, self.classes(y), self.class_axis) / 2

    def score(self, y: Any, outputs: Outputs = NONE) -> Any:
        return class_score(y, self.classes(y), self.class_axis) / 2

    def classes(self, y: Any) -> Any:
        return pick(y, self.index, self.class_axis)

    def held(self, y: Any) -> HalfTarget:
        return replace(self, index=tuple(self.classes(y)))


def read(word: str, asking: Asking) -> tuple[HalfTarget] | None:
    found = re.fullmatch(r"half:(.+)", word)
    return (
        None
        if found is None
        else (HalfTarget(find_class(found[1], asking.labels), asking.class_axis),)
    )


@pytest.fixture
def half(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TARGETS, "half", Kind("half:243", "half the score of a class", read))


@pytest.fixture
def x(rng: np.random.Generator) -> Any:
    return rng.random((2, 3, 128, 128), dtype=np.float32)


@pytest.mark.usefixtures("half")
def test_explain_knows_it(x: Any) -> None:
    backend, labels = OnnxBackend(MODEL.read_bytes()), LABELS.read_text().splitlines()
    found = explain(backend, x, "half:2", labels=labels)
    plain = explain(backend, x, 2, labels=labels)
    assert (found.target, found.labels) == ("half:2", plain.labels)
    np.testing.assert_array_equal(found.map, plain.map / 2)
    np.testing.assert_array_equal(found.score, plain.score / 2)
    named, whole = explain_all(backend, x, [f"half:{labels[2]}", "half:-1"], labels=labels)
    np.testing.assert_array_equal(named.map, plain.map / 2)
    np.testing.assert_array_equal(whole.score, backend.forward(x)["logits"].max(axis=1) / 2)


@pytest.mark.usefixtures("half")
def test_the_file_knows_it(x: Any) -> None:
    made = instrument(
        MODEL.read_bytes(), target=["half:2", 2], outputs=["map", "score", "class_used"]
    )
    assert {p.key: p.value for p in made.metadata_props}["cam.target"] == "half:2;2"
    session = ort.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    maps, scores, used = session.run(["cam_map", "cam_score", "cam_class_used"], {"image": x})
    np.testing.assert_allclose(maps[:, 0], maps[:, 1] / 2, rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(scores[:, 0], scores[:, 1] / 2)
    np.testing.assert_array_equal(used, [[2, 2], [2, 2]])


@pytest.mark.usefixtures("half")
def test_the_command_line_knows_it(x: Any, tmp_path: Path) -> None:
    model, array = tmp_path / "demo.onnx", tmp_path / "x.npy"
    model.write_bytes(MODEL.read_bytes())
    np.save(array, x[:1])
    call = ["explain", str(model), str(array), "--target", "half:2", "--target", "2"]
    done = CliRunner().invoke(gradcam, [*call, "-o", str(tmp_path / "out"), "--json"])
    assert done.exit_code == 0, done.output
    halved, plain = json.loads(done.output)["explanations"]
    assert (halved["target"], plain["target"]) == ("half:2", "2")
    assert halved["score"] == plain["score"] / 2
    assert halved["raw_max"] == plain["raw_max"] / 2
    assert (tmp_path / "out" / "x.half-2.gradcam.npy").exists()
    call = ["check", str(model), str(array), "--numeric", "--target", "half:-1", "--json"]
    checked = CliRunner().invoke(gradcam, call)
    assert checked.exit_code == 0, checked.output
    (numeric,) = json.loads(checked.output)["numeric"]
    assert (numeric["target"], numeric["passed"]) == ("half:-1", True)
