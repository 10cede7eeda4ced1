"""A frame of the camera is blended by the browser: near to what `cam_core.image` paints."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("onnxruntime", reason="a model has to run here to be compared with")

from backends.onnx import OnnxBackend
from cam_core.demo.data import load_scenes
from cam_core.image import PRESETS
from cam_core.image.colour import overlay
from cam_core.image.figure import paint
from cam_core.image.place import place
from cam_core.maps.combine import heatmap
from tests.core.web.browser import CAMERA, Opened, opened, site_of
from tests.core.web.page import Call
from tests.core.web.shown import DEMO, pixels_shown, stopped

LAID = """
async ([text, cells, size, how, weight]) => {
  const { decode } = await import("./photo.js");
  const { laid } = await import("./laid.js");
  const { overlay } = await import("./overlay.js");
  const { place } = await import("./place.js");
  const blob = new Blob([Uint8Array.from(atob(text), (one) => one.charCodeAt(0))]);
  const frame = await createImageBitmap(blob);
  const photo = await decode(blob, "photo.png");
  const data = Float32Array.from(cells.flat());
  const map = { data, height: cells.length, width: cells[0].length };
  const windows = [[0, 1], [0, 1]];
  const at = place([photo.height, photo.width], size, how);
  const { height, width } = photo;
  const canvas = Object.assign(document.createElement("canvas"), { height, width });
  laid(canvas.getContext("2d"), frame, overlay(photo, map, { size, windows }, at, weight));
  return canvas.toDataURL().split(",")[1];
}
"""


@pytest.fixture(scope="module")
def page(tools: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """With no model in it."""
    with opened(tools, site_of(tmp_path_factory.mktemp("live"))) as found:
        found.goto()
        yield found


def laid(page: Opened, pixels: Any, cells: Any, size: Any, how: Any, weight: float) -> Any:
    """What the browser draws."""
    content = BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    text = base64.b64encode(content.getvalue()).decode()
    drawn = page.page.evaluate(LAID, [text, cells.tolist(), size, how, weight])
    return np.asarray(Image.open(BytesIO(base64.b64decode(drawn))).convert("RGB")).astype(int)


NEAR = 4.0
"""Grey levels, the mean over all colours: the browser blends the colours of 96 points a side, where
Python looks up that of each pixel, and rounds each term. The maps are noise, the hardest there is:
measured up to 3.1. Heat a quarter weaker, or 15 pixels aside, or an undimmed margin: beyond it.
"""


@pytest.mark.parametrize("fit", ["crop", "letterbox"])
@pytest.mark.parametrize(("cells", "weight"), [(7, 0.5), (16, 0.5), (7, 0.0), (7, 0.8), (7, 1.0)])
@pytest.mark.parametrize("darker", [1, 3])
def test_the_browser_lays_heat_where_python_paints_it(
    fit: str, cells: int, weight: float, darker: int, page: Opened, rng: np.random.Generator
) -> None:
    pixels = np.asarray(Image.fromarray(load_scenes()[0].pixels()).resize((640, 480))) // darker
    noise = rng.uniform(0, 1, (cells, cells)).astype(np.float32)
    size, how = (224, 224), {"fit": fit, "resize": None, "margin": 1.1}
    at = place((480, 640), size, fit, margin=1.1)
    heat = heatmap(noise[None], size)[0]
    expected = paint(pixels, heat, at).astype(int)
    inside = at.seen((480, 640))
    spread = at.to_photo(heat, (480, 640))[inside]
    expected[inside] = overlay(pixels[inside], spread, image_weight=weight)
    apart = np.abs(laid(page, pixels, noise, size, how, weight) - expected)
    assert apart[inside].mean() < NEAR
    assert apart.mean() < NEAR  # the margin too: its grey is by luminance, not by the mean


def test_the_camera_is_shown_live(tools: Any, site: Path) -> None:
    with opened(tools, site, "--disable-gpu", *CAMERA) as page:
        page.goto()
        page.page.click("#camera")
        page.status("Live, ")
        first = pixels_shown(page)
        page.page.wait_for_timeout(1500)
        assert np.abs(pixels_shown(page) - first).max() > 0
        with page.page.expect_download() as saved:
            page.page.click("[data-save=picture]")
        assert saved.value.suggested_filename.startswith("camera.")
        with Image.open(saved.value.path()) as picture:
            # the frame, its bar and its words
            assert picture.width > 640
            assert picture.height > 480
        stopped(page, OnnxBackend(DEMO), PRESETS["unit"], None)
        page.page.locator("#samples button").nth(1).click()
        page.status("scene-2.png: ")
        page.clean()


def test_a_camera_that_is_refused_is_one_sentence(demo: Opened) -> None:
    demo.page.click("#camera")
    assert demo.refused().startswith(("The camera was refused: ", "There is no camera "))
    assert demo.text("#camera") == "Camera"
    assert demo.page.is_visible("canvas")


FILMED = """
const { film } = await load("film");
const told = [];
let count = 0;
const next = async () => {
  if (count === args[0]) return null;
  const number = count++;
  return { number, close: () => told.push(`close ${number}`) };
};
const see = async ({ number }) => {
  told.push(`see ${number}`);
  if (number === args[1]) throw new Error("seen badly");
  return number;
};
const show = (found) => {
  told.push(`show ${found}`);
  if (found === args[2]) throw new Error("shown badly");
};
const ready = () => args[3] ?? true;
try { await film({ next, ready, see, show }); } catch (error) { told.push(error.message); }
return told;
"""


def test_the_next_frame_is_seen_while_one_is_shown(node: Call) -> None:
    assert node.body(FILMED, 3, -1, -1) == [
        *("see 0", "see 1", "show 0", "close 0", "see 2", "show 1", "close 1"),
        *("show 2", "close 2"),
    ]
    assert node.body(FILMED, 0, -1, -1) == []


def test_what_was_found_does_not_wait_for_the_camera(node: Call) -> None:
    assert node.body(FILMED, 2, -1, -1, False) == [
        *("see 0", "show 0", "see 1", "close 0", "show 1", "close 1")
    ]


RENEWED = """
const { renewed } = await load("camera");
let came = null;
const fresh = renewed({ requestVideoFrameCallback: (then) => { came = then; } });
const told = [fresh.ready()];
await fresh.wait();
told.push("first", fresh.ready());
const second = fresh.wait().then(() => told.push("second"));
await new Promise((resolve) => setTimeout(resolve));
told.push("nothing yet");
came();
await second;
came();
told.push(fresh.ready());
await fresh.wait();
const end = fresh.wait();
fresh.end();
await end;
told.push("ended");
return told;
"""


def test_no_picture_of_the_camera_is_looked_at_twice(node: Call) -> None:
    assert node.body(RENEWED) == [*(True, "first", False, "nothing yet", "second", True, "ended")]


def test_where_the_browser_tells_of_no_pictures_each_is_new(node: Call) -> None:
    told = """const { renewed } = await load("camera");
        const fresh = renewed({});
        await fresh.wait();
        return fresh.ready();"""
    assert node.body(told) is True


def test_what_goes_wrong_ends_the_film_once(node: Call) -> None:
    """Node itself fails where an error is left to nobody. No frame is left open either."""
    seen_badly = ["see 0", "see 1", "show 0", "close 0", "close 1", "seen badly"]
    assert node.body(FILMED, 3, 1, -1) == seen_badly
    shown_badly = ["see 0", "see 1", "show 0", "close 0", "close 1", "shown badly"]
    assert node.body(FILMED, 3, 1, 0) == shown_badly
    assert node.body(FILMED, 3, 0, -1, False) == ["see 0", "close 0", "seen badly"]
