"""What examples/ci hands to others runs: the shell lines of the action, as GitHub runs them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from PIL import Image

from cam_core.demo import MODEL, load_scenes
from tests.paths import ROOT

ACTION = (ROOT / "examples" / "ci" / "action.yml").read_text(encoding="utf-8")
SHELL = ("bash", "--noprofile", "--norc", "-e", "-o", "pipefail")
"""What `shell: bash` means in a step."""


def step(name: str) -> tuple[dict[str, str], str]:
    """(variable -> the input it has, shell lines) of a step, off the page."""
    text = ACTION.partition(f"- name: {name}\n")[2].partition("\n    - name:")[0]
    env = dict(re.findall(r"^ {8}(\w+): \$\{\{ inputs\.([\w-]+) \}\}$", text, re.MULTILINE))
    lines = text.partition("run:")[2]
    return env, textwrap.dedent(lines.removeprefix(" |")).strip()


def inputs() -> dict[str, str]:
    """Input -> its default, '' where it is required."""
    text = ACTION.partition("inputs:\n")[2].partition("\nruns:")[0]
    parts = re.split(r"^  ([\w-]+):\n", text, flags=re.MULTILINE)[1:]
    found = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        default = re.search(r"^    default: (.*)$", body, re.MULTILINE)
        found[name] = "" if default is None else default[1].strip('"')
    return found


def ran(name: str, given: Mapping[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """A step of the action with these inputs."""
    env, lines = step(name)
    known = inputs() | dict(given)
    return shell(lines, {variable: known[source] for variable, source in env.items()}, folder)


def shell(
    lines: str, given: Mapping[str, str], folder: Path, within: str = "."
) -> subprocess.CompletedProcess[str]:
    """Lines of a step, `gradcam` and `python` standing for what is installed here."""
    tools = folder / "bin"
    tools.mkdir(exist_ok=True)
    (tools / "gradcam").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cam_core "$@"\n')
    (tools / "python").write_text('#!/bin/sh\nfor word; do echo "<$word>"; done\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    (folder / "step.sh").write_text(lines)
    around = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [*SHELL, str(folder / "step.sh")],
        cwd=folder / within,
        env=around | dict(given),
        capture_output=True,
        text=True,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Photos in two folders, the demo's model, and a copy whose third convolution is tripled."""
    model = onnx.load_from_string(MODEL.read_bytes())
    onnx.save(model, tmp_path / "model.onnx")
    third = [tensor for tensor in model.graph.initializer if len(tensor.dims) == 4][2]
    tripled = 3 * numpy_helper.to_array(third)
    third.CopyFrom(numpy_helper.from_array(tripled, third.name))
    onnx.save(model, tmp_path / "broken.onnx")
    for i, scene in enumerate(load_scenes()):
        for turn in (0, 2):
            (tmp_path / f"photos{turn}").mkdir(exist_ok=True)
            pixels = np.ascontiguousarray(np.rot90(scene.pixels(), turn))
            Image.fromarray(pixels).save(tmp_path / f"photos{turn}" / f"{i}-{turn}.png")
    return tmp_path


@pytest.mark.parametrize(("other", "code"), [("model.onnx", 0), ("broken.onnx", 1)])
def test_the_action_compares_two_models(other: str, code: int, folder: Path) -> None:
    pytest.importorskip("onnxruntime")
    done = ran(
        "Compare",
        {
            "a": "model.onnx",
            "b": other,
            "photos": "photos0 photos2",
            "options": "--preprocess unit",
            "fail-if": "spearman.p05<0.8\nflips.mean>0.5\n",
        },
        folder,
    )
    assert done.returncode == code, done.stderr
    report = folder / inputs()["report"]
    assert (report / "compare.json").exists()
    cases = (report / "compare.xml").read_text()
    assert cases.count("<testcase ") == 2
    assert ("<failure" in cases) == bool(code)


def test_the_action_installs_what_it_is_told(folder: Path) -> None:
    usual, own = (ran("Install", given, folder) for given in ({}, {"install": "./cam core[cpu]"}))
    assert usual.stdout.split() == ["<-m>", "<pip>", "<install>", "<cam-core[cpu,html]>"]
    assert own.stdout.splitlines()[-1] == "<./cam core[cpu]>"


def test_every_input_is_read() -> None:
    text = ACTION.partition("\nruns:")[2]
    assert set(re.findall(r"inputs\.([\w-]+)", text)) == set(inputs())


GATE = (ROOT / "examples" / "ci" / "release-gate.yml").read_text(encoding="utf-8")
RECIPES = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")


def variables() -> dict[str, str]:
    """The workflow's own environment."""
    text = GATE.partition("\nenv:\n")[2].partition("\njobs:")[0] + "\n"
    plain = dict(re.findall(r"^  (\w+): ([^|].*)$", text, re.MULTILINE))
    blocks = re.findall(r"^  (\w+): \|\n((?: {4}.*\n)+)", text, re.MULTILINE)
    return plain | {name: textwrap.dedent(body) for name, body in blocks}


@pytest.fixture
def photos(folder: Path) -> Path:
    """One folder of photos, and the classes of the model."""
    from cam_core.demo import LABELS

    (folder / "photos").mkdir()
    for file in folder.glob("photos[02]/*.png"):
        file.rename(folder / "photos" / file.name)
    (folder / "labels.txt").write_bytes(LABELS.read_bytes())
    return folder


@pytest.mark.parametrize(("new", "code"), [("model.onnx", 0), ("broken.onnx", 1)])
def test_the_workflow_lets_through_what_looks_the_same(new: str, code: int, photos: Path) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("pyarrow")
    known = variables()
    for side, file in (("old", "model.onnx"), ("new", new)):
        (photos / side / "models").mkdir(parents=True)
        (photos / side / known["MODEL"]).write_bytes((photos / file).read_bytes())
    (photos / "new" / "models" / "classes.txt").write_bytes((photos / "labels.txt").read_bytes())
    (photos / "new" / "tests").mkdir()
    (photos / "photos").rename(photos / "new" / known["PHOTOS"])
    lines = textwrap.dedent(
        GATE.partition("- name: Audit\n")[2].partition("run: |")[2].partition("\n      - name")[0]
    )
    known["OPTIONS"] = known["OPTIONS"].replace("imagenet", "unit")  # of this model
    known["GITHUB_STEP_SUMMARY"] = str(photos / "summary.md")
    done = shell(lines, known, photos, "new")
    assert done.returncode == code, done.stderr
    cases = (photos / "new" / "report" / "limits.xml").read_text()
    assert cases.count("<testcase ") == 3
    assert ("<failure" in cases) == bool(code)
    assert (photos / "summary.md").read_text().startswith("## Where the model looks")


@pytest.mark.parametrize(("new", "code"), [("model.onnx", 0), ("broken.onnx", 1)])
def test_the_recipe_of_a_gate_runs_in_a_shell(new: str, code: int, photos: Path) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("pyarrow")
    (photos / "old.onnx").write_bytes((photos / "model.onnx").read_bytes())
    (photos / "new.onnx").write_bytes((photos / new).read_bytes())
    (lines,) = re.findall(r"^```sh\n(.*?)^```", RECIPES, re.MULTILINE | re.DOTALL)
    done = shell(lines, {}, photos)
    assert done.returncode == code, done.stderr
    assert (photos / "report" / "limits.xml").exists()
