"""Models as `gradcam web` makes them for the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backends.onnx.commands import web_steps
from backends.onnx.commands.arguments import Web
from tests.paths import DATA as DATA


def asked(**more: Any) -> Web:
    """What would be typed."""
    usual = {"models": (), "out": Path("site"), "samples": (), "runtime": None}
    return Web(**usual | {"serve": False, "port": None} | more)


def made_for_page(path: Path, **more: Any) -> web_steps.Made:
    """The model, instrumented, with what it says of itself."""
    return web_steps.made(asked(**more), path)
