"""`gradcam methods`."""

from __future__ import annotations

from click.testing import CliRunner

from cam_core.cli.group import gradcam


def test_methods_lists_every_method() -> None:
    from cam_core.methods import METHODS

    result = CliRunner().invoke(gradcam, ["methods"])
    assert result.exit_code == 0
    for name in METHODS:
        assert f"\n{name} " in result.stdout
