"""`gradcam layers`: the list, its marks, and that every command speaks JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.commands.calls import call
from tests.towers import TOWERS, written


def test_layers_marks_the_default(model: Path) -> None:
    lines = call("layers", model).output.splitlines()
    (marked,) = [line for line in lines if line.startswith("*")]
    assert "Relu" in marked
    assert "N x 5 x 8 x 8" in marked


def test_every_command_speaks_json(model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((1, 3, 8, 8), np.float32))
    out, back = tmp_path / "cam.onnx", tmp_path / "back.onnx"
    calls = {
        "explain": ["explain", model, tmp_path / "x.npy", "-o", tmp_path],
        "instrument": ["instrument", model, "-o", out],
        "strip": ["strip", out, "-o", back],
        "layers": ["layers", model],
        "check": ["check", model],
        "methods": ["methods"],
    }
    for name, arguments in calls.items():
        found = call(*arguments, "--json")
        assert found.exit_code == 0, found.output
        assert json.loads(found.stdout)["command"] == name


def test_layers_marks_what_a_name_means(model: Path) -> None:
    found = call("layers", model, "--layer", "0")
    assert "'0' is c" in found.output
    assert any(line.startswith("> ") for line in found.output.splitlines())


def test_layers_say_which_input_they_descend_from(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(written(TOWERS))
    found = json.loads(call("layers", tmp_path / "m.onnx", "--json").stdout)["layers"]
    assert {one["name"]: one["input"] for one in found if "a" in one["name"]} == {
        "la": "left",
        "ra": "right",
    }
    assert [one["name"] for one in found if one["default"]] == ["la"]
    assert [one["name"] for one in found if one["default_over_input"]] == ["la", "ra"]
    lines = call("layers", tmp_path / "m.onnx").output.splitlines()
    assert [line.split()[-1] for line in lines if line.startswith("+")] == ["ra"]
    assert "input" in lines[0]


def test_one_input_needs_no_column(model: Path) -> None:
    lines = call("layers", model).output.splitlines()
    assert "input" not in lines[0]
    assert not [line for line in lines if line.startswith("+")]
