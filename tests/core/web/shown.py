"""What an open page shows, and that it is what Python finds."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cam_core import explain
from cam_core.demo.data import MODEL
from cam_core.image import Preprocess, preprocess
from cam_core.recording import sha256_of
from tests.core.web.browser import Opened

DEMO = Path(str(MODEL))
CLOSE = 1e-3
"""Of the largest number of a map."""
INT8 = 0.05
"""A step of a quantiser may fall to the other side in another runtime."""


def same(found: Any, expected: Any, close: float = CLOSE) -> None:
    """A recording and an explanation."""
    scale = float(expected.map.max()) or 1.0
    np.testing.assert_allclose(found.cam_map, expected.map, rtol=0, atol=close * scale)
    assert found.cam_signed is not None
    np.testing.assert_allclose(found.cam_signed, expected.signed, rtol=0, atol=close * scale)


def pixels_shown(page: Opened) -> Any:
    """RGB of the first canvas."""
    text = page.page.evaluate("document.querySelector('canvas').toDataURL().split(',')[1]")
    return np.asarray(Image.open(BytesIO(base64.b64decode(text))).convert("RGB")).astype(int)


def stopped(page: Opened, backend: Any, how: Preprocess, target: Any) -> None:
    """The frame that stays when the camera stops is explained as Python explains it."""
    page.page.click("#camera")
    page.expect("#camera", "Camera")
    page.status("camera: ")
    page.page.click("label[for=photo]")
    page.page.wait_for_timeout(300)
    frame = pixels_shown(page).astype(np.uint8)
    assert frame.shape == (480, 640, 3)
    page.page.click("label[for=heat]")
    prepared = preprocess(frame, how, backend.inputs()[0])
    found = page.recording()
    assert found.input_sha256 == sha256_of(prepared.x)
    expected = explain(backend, prepared.x, target, placement=prepared.placement)
    same(found, expected)
    assert score_of(page) == pytest.approx(expected.score[0], rel=CLOSE)


def score_of(page: Opened) -> float:
    """As the page says it, with four digits."""
    return float(page.text(".numbers").split(" · ")[0].removeprefix("score "))
