"""The page in a real browser: it shows what `explain` finds, and asks nobody for anything."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from PIL import Image

pytest.importorskip("onnxruntime", reason="a model has to run here to be compared with")

from backends.onnx import OnnxBackend
from cam_core import explain
from cam_core.demo.data import load_scenes
from cam_core.image import PRESETS, preprocess, read
from cam_core.recording import sha256_of
from tests.core.web.browser import Opened, opened, site_of
from tests.core.web.shown import CLOSE, DEMO, pixels_shown, same
from tests.core.web.sites import made_for_page


def as_png(pixels: Any) -> bytes:
    content = BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def test_the_first_picture_needs_no_click(tools: Any, site: Path) -> None:
    with opened(tools, site) as page:
        page.goto()
        backend = OnnxBackend(DEMO)
        x = preprocess(load_scenes()[0].pixels(), PRESETS["unit"], backend.inputs()[0]).x
        expected = explain(backend, x, labels=made_labels())
        assert page.text(".title") == expected.labels[0] == "checkered square"
        score, top = expected.score[0], expected.raw_max[0]
        assert page.text(".numbers") == f"score {score:.4g} · raw max {top:.3g}"
        found = page.recording()
        assert found.input_sha256 == sha256_of(x)  # of a PNG every pixel is the same
        same(found, expected)
        assert "all to this folder" in page.text("#requests")
        page.clean()


def test_a_photo_is_dropped_and_any_class_is_asked_for(demo: Opened) -> None:
    pixels = load_scenes()[1].pixels()
    demo.drop("mine.png", as_png(pixels))
    demo.status("mine.png: ")
    backend = OnnxBackend(DEMO)
    x = preprocess(pixels, PRESETS["unit"], backend.inputs()[0]).x
    same(demo.recording(), explain(backend, x))
    name = demo.answers()[2]
    demo.choose(name)
    which = made_labels().index(name)
    same(demo.recording(), explain(backend, x, which))
    assert demo.recording().cam_class_used == which
    demo.page.fill(".any input", "heart")
    demo.page.keyboard.press("Enter")
    demo.expect(".title", "heart")
    same(demo.recording(), explain(backend, x, made_labels().index("heart")))
    demo.clean()


def made_labels() -> list[str]:
    from cam_core.demo.data import LABELS

    return LABELS.read_text(encoding="utf-8").split("\n")


@pytest.mark.parametrize(("key", "fit"), [("JPEG", "photo.jpg"), ("transparent", "photo.png")])
def test_photos_are_decoded_alike(key: str, fit: str, demo: Opened, tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    rough = Image.fromarray(rng.integers(0, 256, (30, 40, 3), dtype=np.uint8))
    picture = rough.resize((400, 300), Image.Resampling.BICUBIC)
    if key == "transparent":
        picture.putalpha(Image.linear_gradient("L").resize((400, 300)))
    picture.save(tmp_path / fit)
    demo.drop(f"{key} {fit}", (tmp_path / fit).read_bytes())
    demo.status(f"{key} {fit}: ")
    backend = OnnxBackend(DEMO)
    x = preprocess(read(tmp_path / fit), PRESETS["unit"], backend.inputs()[0]).x
    same(demo.recording(), explain(backend, x), 5e-3 if key == "transparent" else CLOSE)
    demo.clean()


def test_a_photo_is_pasted(demo: Opened) -> None:
    demo.page.evaluate(
        """(text) => {
          const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
          const event = new Event("paste", { bubbles: true });
          event.clipboardData = { files: [new File([bytes], "pasted.png")] };
          document.body.dispatchEvent(event);
        }""",
        base64.b64encode(as_png(load_scenes()[2].pixels())).decode(),
    )
    demo.status("pasted.png: ")


def test_keys_reach_everything_and_everything_has_a_name(demo: Opened) -> None:
    demo.page.locator(".answers button").nth(1).focus()
    name = demo.answers()[1]
    demo.page.keyboard.press("Enter")
    demo.expect(".title", name)
    assert demo.page.evaluate("document.activeElement.closest('.answers') !== null")
    unnamed = demo.page.evaluate("""() => {
      const named = (one) => one.ariaLabel || one.alt || one.textContent.trim() ||
        one.labels?.length || one.querySelector("[alt]");
      return [...document.querySelectorAll("button, input, canvas, img")]
        .filter((one) => one.checkVisibility() && !named(one)).map((one) => one.outerHTML);
    }""")
    assert unnamed == []
    assert name in (demo.page.get_attribute("canvas", "aria-label") or "")


def test_views_and_opacity_change_the_picture_alone(demo: Opened) -> None:
    demo.page.locator("#samples button").first.click()
    demo.status("scene-1.png: ")
    from cam_core.image.figure import enlarge, paint
    from cam_core.image.place import place

    photo = enlarge(load_scenes()[0].pixels())
    backend = OnnxBackend(DEMO)
    x = preprocess(load_scenes()[0].pixels(), PRESETS["unit"], backend.inputs()[0])
    heat = explain(backend, x.x).heatmap((128, 128))[0]
    painted = paint(photo, heat, place((256, 256), (128, 128), "crop")).astype(int)
    # a level of the colour table is entered by truncation: a few pixels are one level further
    apart = np.abs(pixels_shown(demo) - painted).max(axis=2)
    assert np.quantile(apart, 0.99) <= 1
    demo.page.click("label[for=photo]")
    demo.page.wait_for_timeout(300)
    assert np.abs(pixels_shown(demo) - photo).max() == 0
    demo.page.click("label[for=signed]")
    demo.page.wait_for_timeout(300)
    grey = pixels_shown(demo)
    assert np.abs(grey - painted).max() > 50
    demo.page.click("label[for=heat]")
    demo.page.evaluate("""() => { const one = document.querySelector("#opacity");
        one.value = 0; one.dispatchEvent(new Event("input")); }""")
    demo.page.wait_for_timeout(300)
    np.testing.assert_allclose(pixels_shown(demo) * photo.max() / 255, photo, atol=2)
    demo.page.evaluate("""() => { const one = document.querySelector("#opacity");
        one.value = 50; one.dispatchEvent(new Event("input")); }""")


def test_a_picture_is_saved_under_the_name_of_explain(demo: Opened) -> None:
    demo.page.locator("#samples button").first.click()
    demo.status("scene-1.png: ")
    with demo.page.expect_download() as saved:
        demo.page.click("[data-save=picture]")
    assert saved.value.suggested_filename == "scene-1.1.gradcam.png"
    with Image.open(saved.value.path()) as picture:
        assert picture.width > 448 < picture.height


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 768, 1240])
def test_it_fits_every_width(width: int, scheme: Any, demo: Opened) -> None:
    demo.page.emulate_media(color_scheme=scheme)
    demo.page.set_viewport_size({"width": width, "height": 800})
    assert demo.page.evaluate("document.documentElement.scrollWidth") <= width
    small = demo.page.evaluate("""() => [...document.querySelectorAll(".button, .answers button")]
        .filter((one) => one.checkVisibility())
        .filter((one) => one.getBoundingClientRect().height < 40).length""")
    assert small == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out(scheme: Any, demo: Opened) -> None:
    """The contrast of WCAG 2.1 (1.4.3): 4.5 to 1 or more."""
    from tests.cli.audit.test_page import luminance

    demo.page.emulate_media(color_scheme=scheme)
    for words, ground in [
        *((".title", ".look"), (".numbers", ".look"), ("dt", ".look"), ("#status", "html")),
        *((".primary", ".primary"), ("footer", "html")),
    ]:
        ink = demo.page.eval_on_selector(words, "one => getComputedStyle(one).color")
        paper = demo.page.eval_on_selector(ground, "one => getComputedStyle(one).backgroundColor")
        light, dark = sorted((luminance(ink), luminance(paper)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (words, ink, paper)


def broken_model() -> bytes:
    """With an operator that no runtime has."""
    model = onnx.load_from_string(made_for_page(DEMO).model.content)
    model.graph.node.append(
        onnx.helper.make_node("Fold", [model.graph.output[0].name], ["folded"], domain="com.acme")
    )
    model.graph.output.append(
        onnx.helper.make_tensor_value_info("folded", onnx.TensorProto.FLOAT, None)
    )
    model.opset_import.append(onnx.helper.make_opsetid("com.acme", 1))
    return model.SerializeToString()


REFUSED = {
    "plain.onnx": (DEMO.read_bytes, 0, "plain.onnx gives no map: gradcam instrument plain.onnx"),
    "noise.onnx": (lambda: b"noise", 0, "noise.onnx is no .onnx file that can be read"),
    "huge.onnx": (lambda: b"x", 3 * 10**9, "huge.onnx has 3.0 GB, and a browser takes up to 2."),
    "folds.onnx": (broken_model, 0, "folds.onnx needs the operator com.acme:Fold, which"),
    "text.png": (lambda: b"no picture", 0, "text.png is no picture that this browser reads"),
    "empty.png": (lambda: b"", 0, "empty.png is empty: copy or download it again."),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_what_cannot_be_used_is_one_sentence(name: str, demo: Opened) -> None:
    """The picture stays, and the next good photo is shown."""
    content, size, said = REFUSED[name]
    demo.drop(name, content(), size)
    found = demo.refused()
    assert found.startswith(said)
    assert "\n" not in found
    assert pixels_shown(demo).std() > 5
    demo.page.locator("#samples button").nth(1).click()
    demo.page.wait_for_selector("#alert", state="hidden")
    demo.status("scene-2.png: ")


def test_an_old_browser_is_told(tools: Any, site: Path) -> None:
    with opened(tools, site) as page:
        page.page.add_init_script("delete globalThis.OffscreenCanvas")
        page.page.goto(page.base)
        assert page.refused().startswith("This browser is too old for the page (it lacks Offscreen")


def test_without_a_model_it_takes_any_that_was_instrumented(tools: Any, tmp_path: Path) -> None:
    with opened(tools, site_of(tmp_path)) as page:
        page.goto()
        assert "Drop a model" in page.text("#welcome")
        page.page.locator("#samples button").first.click()
        page.status("scene-1.png is here")
        page.drop("any.onnx", made_for_page(DEMO).model.content)
        page.status("scene-1.png: ")
        assert page.text(".title") == "checkered square"
        assert page.text("#model") == "any.onnx"
        page.clean()


def test_a_later_visit_needs_no_network(tools: Any, site: Path, tmp_path: Path) -> None:
    """Also on hosts that send no headers the page may share memory: by the service worker."""
    with opened(tools, site) as page:
        page.goto("?offline")
        assert page.page.evaluate("crossOriginIsolated")
        page.page.context.set_offline(True)
        page.goto("?offline")
        assert page.text(".title") == "checkered square"
        page.page.locator("#samples button").nth(0).click()
        page.status("scene-1.png: ")


def test_a_recording_is_taken_by_compare(demo: Opened, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from cam_core.cli.group import gradcam

    scene = load_scenes()[0]
    demo.page.locator("#samples button").first.click()
    demo.status("scene-1.png: ")
    (tmp_path / "recording").mkdir()
    with demo.page.expect_download() as saved:
        demo.page.click("[data-save=recording]")
    saved.value.save_as(tmp_path / "recording" / saved.value.suggested_filename)
    (tmp_path / "scene-1.png").write_bytes(scene.file.read_bytes())
    arguments = [str(DEMO), str(tmp_path / "recording"), str(tmp_path / "scene-1.png")]
    result = CliRunner().invoke(gradcam, ["compare", *arguments, "-o", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output


def test_two_models_stand_side_by_side(tools: Any, tmp_path: Path) -> None:
    with opened(tools, site_of(tmp_path, [DEMO, DEMO])) as page:
        page.goto()
        assert page.page.locator(".look").count() == 2
        page.choose("zigzag hexagon")
        page.expect(".look:last-of-type .title", "zigzag hexagon")
        figures = page.page.locator("#measures dd:not(.words)").all_inner_texts()
        assert figures == ["1.000"] * 4 + ["0.000"] * 2
        page.clean()
