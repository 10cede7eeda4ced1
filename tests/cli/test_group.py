"""The group: help without imports, near names, noise kept out, commands of third parties."""

from __future__ import annotations

import json
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from cam_core.cli.group import COMMANDS, gradcam
from tests.paths import ROOT


def test_help_names_every_command_and_imports_none() -> None:
    code = (
        "import sys; from cam_core.cli import main\n"
        "try: main('gradcam')\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'onnx', 'onnxruntime', 'torch', 'PIL', 'matplotlib', 'rich'}\n"
        "loaded = heavy & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--help"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for name, (_, text) in COMMANDS.items():
        assert f"  {name} " in done.stdout
        assert text in done.stdout


def test_a_misspelt_command_gets_the_near_one() -> None:
    result = CliRunner().invoke(gradcam, ["exlain"])
    assert result.exit_code == 2
    assert "Did you mean 'explain'?" in result.stderr


def test_advice_of_libraries_stays_out_of_the_output() -> None:
    code = (
        "import os\nfrom cam_core.cli import main\nimport cam_core.cli.commands.methods as m\n"
        "own = m.methods.callback\n"
        "def noisy(**options):\n    os.write(1, b'Warning: advice')\n    own(**options)\n"
        "m.methods.callback = noisy\nmain('gradcam')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "methods", "--json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["command"] == "methods"


def test_third_parties_add_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def hello() -> None:
        click.echo("hi")

    class Point:
        name, value, dist = "hello", "elsewhere:hello", None

        def load(self) -> click.Command:
            return hello

    monkeypatch.setattr("cam_core.cli.group.third_party", lambda: {"hello": Point()})
    assert CliRunner().invoke(gradcam, ["hello"]).stdout == "hi\n"
    assert "From elsewhere:hello." in CliRunner().invoke(gradcam, ["--help"]).stdout
