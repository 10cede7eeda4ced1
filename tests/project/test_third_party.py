"""What an installed package adds through entry points, with a distribution made for the test."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner

from backends.onnx.rules import VJP_RULES, ZERO, third_party
from cam_core import CamError, explain, find_converter, open_backend
from cam_core.demo import MODEL

MODULE = """
import click


class Dictionaries:
    def __init__(self, source, **options):
        self.source = source

    @staticmethod
    def claims(source):
        return isinstance(source, dict)


class Made:
    @staticmethod
    def to_onnx(path):
        return f"wrote {path}"


@click.command()
@click.argument("word")
def shout(word):
    "Say it loud."
    click.echo(word.upper())
"""

RULES = """
import numpy as np

from backends.onnx.rules import vjp, zero


@vjp("Trilu", domain="com.microsoft")
def trilu(op, node, gy):
    return op.Mul(gy, np.triu(np.ones(node.inputs[0].shape[-2:], np.float32)))


def register():
    zero("Staircase", domain="com.acme", why="a staircase")
"""

ENTRY_POINTS = """
[cam_core.backends]
dictionaries = acme_cam:Dictionaries
onnx = acme_cam:Dictionaries

[cam_core.converters]
acme = acme_cam:Made.to_onnx

[cam_core.commands]
shout = acme_cam:shout
explain = acme_cam:shout

[cam_core.vjp_rules]
module = acme_cam_rules
function = acme_cam_rules:register
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package acme-cam on the path, and afterwards everything as it was."""
    info = tmp_path / "acme_cam-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-cam\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    (tmp_path / "acme_cam.py").write_text(MODULE)
    (tmp_path / "acme_cam_rules.py").write_text(RULES)
    monkeypatch.syspath_prepend(tmp_path)
    rules, zeros = dict(VJP_RULES), dict(ZERO)
    forget()
    yield tmp_path
    for table, kept in ((VJP_RULES, rules), (ZERO, zeros)):
        table.clear()
        table.update(kept)
    for name in ("acme_cam", "acme_cam_rules"):
        sys.modules.pop(name, None)
    forget()


def forget() -> None:
    third_party.load_third_party.cache_clear()
    third_party._load.cache_clear()
    importlib.invalidate_caches()


def with_trilu() -> tuple[onnx.ModelProto, str]:
    """The demo's model, its last Relu replaced; and the tensor before that."""
    model = onnx.load_from_string(MODEL.read_bytes())
    last = [node for node in model.graph.node if node.op_type == "Relu"][-1]
    last.op_type, last.domain = "Trilu", "com.microsoft"
    model.opset_import.add(domain="com.microsoft", version=1)
    return model, last.input[0]


@pytest.mark.usefixtures("installed")
def test_a_rule_serves_the_first_model(rng: np.random.Generator) -> None:
    model, layer = with_trilu()
    assert ("com.microsoft", "Trilu") not in VJP_RULES  # nothing is loaded before it is needed
    backend = open_backend(model, layer=layer)
    assert ZERO["com.acme", "Staircase"] == "a staircase"
    x = rng.random((2, 3, 128, 128), np.float32)
    (seen,) = backend.capture(x, lambda y, outputs: np.eye(9, dtype=y.dtype)[[4, 4]])
    D = rng.normal(size=seen.activations.shape).astype(np.float32)
    tail = backend.look(x, layers=[layer]).tail(layer)
    up, down = (tail(seen.activations + step * D) for step in (1e-2, -1e-2))
    slope = np.sum((up - down)[:, 4]) / 2e-2
    assert slope == pytest.approx(np.sum(seen.gradients * D), rel=1e-3)


@pytest.mark.usefixtures("installed")
def test_rules_are_loaded_once() -> None:
    model, layer = with_trilu()
    for _ in range(2):  # a second registration would be refused
        assert explain(open_backend(model, layer=layer), np.ones((1, 3, 128, 128), "f4")).layer


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('vjp("Relu")(print)', "Relu has a rule already"),
        ('vjp("Floor")(print)', "Floor has zero derivative already"),
        ('zero("Relu", why="a mistake")', "Relu has a rule already"),
        ("import acme_is_not_here", "ModuleNotFoundError: No module named 'acme_is_not_here'"),
    ],
)
def test_rules_that_do_not_fit_name_their_package(installed: Path, line: str, reason: str) -> None:
    (installed / "acme_cam_rules.py").write_text(
        f"from backends.onnx.rules import vjp, zero\n{line}\n"
    )
    for _ in range(2):  # no second try passes in silence
        with pytest.raises(CamError, match="'module' of the package acme-cam") as caught:
            open_backend(MODEL.read_bytes())
        assert reason in str(caught.value)


@pytest.mark.usefixtures("installed")
def test_a_backend_is_asked_after_the_built_in_ones() -> None:
    assert type(open_backend({"a": 1})).__name__ == "Dictionaries"
    assert open_backend({}, backend="dictionaries").source == {}
    assert type(open_backend(MODEL.read_bytes(), backend="onnx")).__name__ == "OnnxBackend"


@pytest.mark.usefixtures("installed")
def test_a_converter_is_found() -> None:
    assert find_converter("acme")("a.onnx") == "wrote a.onnx"


@pytest.mark.usefixtures("installed")
def test_a_command_is_listed_and_runs() -> None:
    from cam_core.cli.group import gradcam

    listed = CliRunner().invoke(gradcam, ["--help"]).output
    assert "shout" in listed
    assert "From acme-cam." in listed
    assert CliRunner().invoke(gradcam, ["shout", "hello"]).output == "HELLO\n"
    assert "IMAGES" in CliRunner().invoke(gradcam, ["explain", "--help"]).output  # still ours
