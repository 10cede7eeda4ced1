"""The page of `gradcam compare`: what a reader is told, on any screen, without a network."""

from __future__ import annotations

import re
import shutil
from contextlib import chdir

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from PIL import Image

pytest.importorskip("onnxruntime")
pytest.importorskip("jinja2", reason="the page is an extra: pip install 'cam-core[html]'")

from cam_core.cli.compare.page import ticks
from cam_core.cli.group import gradcam
from cam_core.demo import LABELS, MODEL, load_scenes

COUNT = 6


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of the demo's model and a copy that answers otherwise here and there."""
    folder = tmp_path_factory.mktemp("page")
    shutil.copy(MODEL, folder / "a.onnx")
    model = onnx.load(MODEL)
    heads = [t for t in model.graph.initializer if list(t.dims)[:1] == [9]]
    for tensor in heads:
        value = np.ascontiguousarray(np.roll(onnx.numpy_helper.to_array(tensor), 1, axis=0))
        tensor.CopyFrom(onnx.numpy_helper.from_array(value, tensor.name))
    onnx.save(model, folder / "b.onnx")
    (folder / "photos").mkdir()
    scenes = [scene.pixels() for scene in load_scenes()]
    for i, pixels in enumerate([np.rot90(p, k) for k in (0, 2, 1) for p in scenes][:COUNT]):
        name = folder / "photos" / f"a-photo-of-a-scene-{i}.png"
        Image.fromarray(np.ascontiguousarray(pixels)).save(name)
    flags = ["--labels", str(LABELS), "--tensors", "-o", "out"]
    with chdir(folder):
        done = CliRunner().invoke(gradcam, ["compare", "a.onnx", "b.onnx", "photos", *flags])
    assert done.exit_code == 0, done.output
    return (folder / "out" / "compare.html").read_text(encoding="utf-8")


def test_what_it_is_about_comes_before_all_pictures(page: str) -> None:
    head = page.partition("<figure")[0]
    assert "A is <b>a.onnx</b>, B is <b>b.onnx</b>" in head
    assert head.index('class="verdict"') < head.index("<svg")
    assert "red where B answers otherwise" in head
    assert "red where B has more, blue where it has less" in head


def test_every_picture_says_what_it_is(page: str) -> None:
    said = re.findall(r'<img alt="([^"]*)"', page)
    assert len(said) == page.count("<img ") >= 4 * COUNT
    starts = ("Photo a-photo-of-a-scene-0.png", "Map of A: ", "Map of B: ", "Map of B - A, ")
    assert all(any(text.startswith(start) for text in said) for start in starts)
    assert page.count('role="img" aria-label="') == page.count("<svg")


def test_it_asks_for_nothing_and_suits_dark_paper_and_keyboard(page: str) -> None:
    assert "default-src 'none'" in page
    assert not re.findall(r"(?:src|href)=\"(?!data:)", page)
    for word in ("prefers-color-scheme: dark", "@media print", "focus-visible", "<main>"):
        assert word in page
    scrolled = re.findall(r'class="scroll[ "]', page)
    assert len(scrolled) == page.count('tabindex="0" role="region" aria-label') > 0
    assert not re.findall(r' (?:fill|stroke)="#', page), "a colour that is the same in the dark"


def test_each_number_of_the_table_is_explained(page: str) -> None:
    table = page.partition('id="photos"')[2].partition("</table>")[0]
    heads = re.findall(r"<th scope=\"col\"[^>]*>([^<]*)</th>", table)
    told = page.partition('id="numbers"')[2].partition("</dl>")[0]
    assert {"spearman", "iou", "centre", "gain"} <= set(heads)
    for name in ("spearman", "pearson", "ssim", "iou", "centre", "peak", "gain"):
        assert f"<dt>{name}</dt>" in told


def test_ticks_are_round_and_within() -> None:
    assert ticks(-0.111) == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert ticks(0.9) == [0.9, 0.92, 0.94, 0.96, 0.98, 1.0]
    assert ticks(0.995) == [0.995, 0.996, 0.997, 0.998, 0.999, 1.0]
    assert ticks(-1.0) == [-1.0, -0.5, 0.0, 0.5, 1.0]
