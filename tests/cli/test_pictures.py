"""The pictures of arrays: one wherever the command says so, with the event where it was planted."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx.parser
import pytest
from click.testing import CliRunner
from PIL import Image

from cam_core.backend import Array, InputInfo
from cam_core.cli.explained import Explained, Row
from cam_core.cli.group import gradcam
from cam_core.cli.inputs.beneath import ALONE
from cam_core.cli.inputs.samples import Sample, Slot
from cam_core.cli.pictures import ceiling, draw, how_of
from cam_core.demo import DETECTOR, load_crowds
from cam_core.explanation import Explanation
from cam_core.image import PRESETS, preprocess

pytest.importorskip("onnxruntime", reason="no runtime is installed")

MEAN = "p = GlobalAveragePool(a)\n y = Flatten(p)"
MODELS = {  # the model; the array; the event; what the picture is
    "signal": (f"float[N,3,T] x => a = Relu(x)\n {MEAN}", (1, 3, 2000), (0, 1, 700)),
    "sound": (
        "float[N,T] x => one = Constant<value_ints = [1]>()\n u = Unsqueeze(x, one)\n"
        f"r = Relu(u)\n a = Concat<axis = 1>(r, r, r)\n b = MaxPool<kernel_shape = [1]>(a)\n"
        f"{MEAN.replace('(a)', '(b)')}",
        (1, 5000), (0, 4000),
    ),
    "long": (
        "float[N,1,T] x => w = Constant<value = float[3,1,4] {0,0,0,0, 1,1,1,1, 0,1,0,1}>()\n"
        "m = MaxPool<kernel_shape = [90], strides = [90]>(x)\n c = Conv<strides = [4]>(m, w)\n"
        f"a = Relu(c)\n {MEAN}",
        (1, 1, 400_000), (0, 0, 300_001),
    ),
    "row": (f"float[N,3,1,T] x => a = Relu(x)\n {MEAN}", (1, 3, 1, 2000), (0, 1, 0, 700)),
    "volume": (f"float[N,3,12,20,16] x => v = Relu(x)\n a = Add(v, v)\n {MEAN}",
               (1, 3, 12, 20, 16), (0, 1, 9, 5, 12)),
    "tokens": (
        "int64[N,L] x => t = Constant<value = float[5,3] {0,0,0, 0,0,0, 0,9,0, 0,0,0, 0,0,0}>()\n"
        "e = Gather<axis = 0>(t, x)\n w = Constant<value = float[3,3] {1,0,0, 0,1,0, 0,0,1}>()\n"
        "m = MatMul(e, w)\n a = Relu(m)\n y = ReduceMean<axes = [1], keepdims = 0>(a)",
        (1, 40), (0, 30),
    ),
}  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def save(kind: str) -> None:
    given, body = MODELS[kind][0].split(" => ")
    text = f'<ir_version: 8, opset_import: ["" : 17]>\ng ({given}) => (float[N,3] y) {{\n{body}\n}}'
    Path("m.onnx").write_bytes(onnx.parser.parse_model(text).SerializeToString())


@pytest.mark.parametrize("kind", MODELS)
def test_a_picture_is_written_where_one_is_listed(kind: str, here: Path) -> None:
    save(kind)
    _, shape, event = MODELS[kind]
    x = np.zeros(shape, np.int64 if kind == "tokens" else np.float32)
    x[event] = 2
    np.save("x.npy", x)
    args = ["explain", "m.onnx", "x.npy", "--target", "1", "-o", "out"]
    result = CliRunner().invoke(gradcam, args)
    assert result.exit_code == 0, result.stderr
    listed = next(line for line in result.stdout.splitlines() if line.startswith("files"))
    stem, *kinds = listed.split()[1:]
    assert [path for kind in kinds if not (path := here / f"{stem}{kind}").exists()] == []
    assert ".png" in kinds
    assert "explanations" in json.loads(CliRunner().invoke(gradcam, [*args, "--json"]).stdout)
    cells = np.load(here / f"{stem}.npy")
    axes = 1 if kind in ("tokens", "sound") else 2
    space, sizes = event[axes:][-cells.ndim :], shape[axes:][-cells.ndim :]  # no axis of one place
    found = np.unravel_index(cells.argmax(), cells.shape)
    assert [int(i * n / k) for i, n, k in zip(space, cells.shape, sizes, strict=True)] == [*found]
    if cells.ndim == 1 or kind == "row":
        page = np.asarray(Image.open(here / f"{stem}.png")).astype(int)
        assert redness(page) == pytest.approx((space[-1] + 0.5) / shape[-1], abs=0.003)


def redness(page: Array) -> float:
    """Where in a waveform's width the reddest column is, above its colour bar."""
    unit = 27
    seen = page[unit : unit + 90, unit : unit + 960]
    red = (seen[..., 0] - seen[..., 2]).max(axis=0)
    hot = np.flatnonzero(red == red.max())
    assert red.max() > 50
    return float(hot.mean() + 0.5) / 960


def explained(cells: Array, method: str = "gradcam") -> Explained:
    found = Explanation(
        map=cells[None], signed=cells[None], alpha=np.ones((1, 1)), score=np.array([1.0]),
        classes=np.array([1]), layer="conv", method=method, target="class 1",
        raw_max=np.array([cells.max()]), noise_floor=np.array([1e-6]), diagnosis=("",),
    )  # fmt: skip
    row = Row(
        image="x.npy", target="1", label="", score=1.0, probability=None,
        raw_max=float(cells.max()), diagnosis="", stem="x.1", top=(), layer="conv",
        preprocessing="",
    )  # fmt: skip
    return Explained(row, found, ("logit", method))


def sample(x: Array, axis: int | None = 1) -> Sample:
    info = InputInfo("x", x.shape, x.dtype, axis)
    slot = Slot("x.npy", "x", Path("x.npy"), feed={"x": x})
    return Sample(slot, x, None, None, "", {}, [(info, x)])


@pytest.mark.parametrize("shape", [(), (6,), (3, 4), (2, 3, 4), (2, 2, 3, 4)])
@pytest.mark.parametrize("rank", [2, 3, 4, 5])
def test_every_map_has_a_picture(rank: int, shape: tuple[int, ...]) -> None:
    cells = np.arange(1.0, 1 + np.prod(shape, dtype=int)).reshape(shape)
    x = np.ones((1, 2, 8, 9, 7)[:rank], np.float32)
    page = draw(sample(x), explained(cells), None)
    assert page.dtype == np.uint8
    assert page.shape[2] == 3
    assert page.min() < 100


def test_a_map_alone_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr("cam_core.cli.pictures.sheet", lambda *_, lines, **__: said.extend(lines))
    draw(sample(np.ones((1, 40), np.int64), None), explained(np.arange(40.0)), None)
    assert said[-2:] == ["places 0 to 39, maximum around 39", ALONE]
    said.clear()
    draw(sample(np.ones((1, 2, 40), np.float32)), explained(np.arange(40.0)), None)
    assert said[-1] == "samples 0 to 39, maximum around 39"


def test_one_scale_for_several_signals() -> None:
    """A map half as high as the run's highest is as warm as the middle of the bar."""
    x = np.zeros((1, 1, 50), np.float32)
    cells = np.zeros(50)
    cells[10] = 2
    own = draw(sample(x), explained(cells), None)
    half = draw(sample(x), explained(cells), 4.0)
    at = 27 + 40, 27 + round(10.5 * 960 / 50)
    assert own[at][0] > own[at][2] + 50  # red
    assert half[at][1] > max(half[at][0], half[at][2])  # green


TEN_MINUTES = 10 * 60 * 44_100


def test_ten_minutes_of_sound_cost_no_more_than_their_picture() -> None:
    """Nothing of the signal's length is made, and no matrix of cells by columns."""
    x = np.zeros((1, 1, TEN_MINUTES), np.float32)
    cells = np.zeros(TEN_MINUTES // 256, np.float32)
    x[0, 0, TEN_MINUTES // 4], cells[len(cells) // 4] = 1, 3
    seen, found = sample(x), explained(cells)
    tracemalloc.start()
    try:
        page = draw(seen, found, None)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 40e6 < x.nbytes
    assert redness(page.astype(int)) == pytest.approx(0.25, abs=0.003)


def test_explaining_five_minutes_of_sound_makes_no_copy_of_them(here: Path) -> None:
    """Held are the file's array, a bit mask of what is finite, and what the size of a figure has.

    Arrays that onnxruntime keeps to itself are not counted.
    """
    save("long")
    x = np.zeros((1, 1, TEN_MINUTES // 2), np.float32)
    x[..., 9_000_001] = 1
    np.save("x.npy", x)
    args = ["explain", "m.onnx", "x.npy", "--target", "1", "-o", "out"]
    tracemalloc.start()
    try:
        result = CliRunner().invoke(gradcam, args)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert result.exit_code == 0, result.stderr
    assert most < 1.75 * x.nbytes
    page = np.asarray(Image.open("out/x.1.gradcam.png")).astype(int)
    assert redness(page) == pytest.approx(9_000_001 / x.size, abs=0.002)


def test_a_map_of_columns_lies_over_a_photo(here: Path) -> None:
    """Its rows were summed over: the heat is the same along them, and hottest at the white line."""
    text = """<ir_version: 8, opset_import: ["" : 17]>
    g (float[N,3,32,64] x) => (float[N,3] y) {
      w = Constant<value = float[3,3,1,1] {1,0,0, 0,1,0, 0,0,1}>() c = Conv(x, w)
      m = ReduceMean<axes = [2], keepdims = 0>(c) a = Relu(m)
      y = ReduceMean<axes = [2], keepdims = 0>(a)
    }"""
    onnx.save(onnx.parser.parse_model(text), "columns.onnx")
    photo = np.zeros((32, 64, 3), np.uint8)
    photo[10:20, 40] = 255
    Image.fromarray(photo).save("line.png")
    asked = ["explain", "columns.onnx", "line.png", "--preprocess", "unit", "--layer", "a"]
    found = CliRunner().invoke(gradcam, [*asked, "--target", "1"])
    assert found.exit_code == 0, found.output
    assert np.load("line.1.gradcam.a.npy").argmax() == 40
    page = np.asarray(Image.open("line.1.gradcam.a.png")).astype(int)
    red = page[..., 0] - page[..., 2]
    rows, columns = np.nonzero(red > 200)
    assert np.ptp(rows) > 5 * np.ptp(columns)


def test_the_box_of_an_array_is_drawn_where_the_photo_has_it(here: Path) -> None:
    """The same box as on the photo that the array was made of, seen by its white line."""
    scene = load_crowds()[0]
    info = InputInfo("x", (1, 3, 128, 128), np.dtype("float32"), 1)
    np.save("x.npy", preprocess(scene.pixels(), PRESETS["unit"], info).x)
    Path("detector.onnx").write_bytes(DETECTOR.read_bytes())
    asked = ["explain", "detector.onnx", "x.npy", "--target", "box:0"]
    assert CliRunner().invoke(gradcam, asked).exit_code == 0
    record = json.loads(Path("x.box-0.hirescam.json").read_text())
    page = np.asarray(Image.open("x.box-0.hirescam.png"))
    white = (page[12:460, 12:460] == 255).all(axis=2)  # 128 pixels are shown as 448
    rows, columns = (np.nonzero(white.sum(axis=a) > 60)[0] for a in (1, 0))
    found = np.array([columns.min(), rows.min(), columns.max(), rows.max()]) * 128 / 448
    np.testing.assert_allclose(found, record["box"]["corners"], atol=1)
    thing = min(scene.things, key=lambda t: float(np.abs(np.array(t.box) / 2 - found).max()))
    np.testing.assert_allclose(found, np.array(thing.box) / 2, atol=2)


def test_the_colours_of_a_map_of_pixels_end_at_its_99th_percentile() -> None:
    """Few pixels are as large as the largest; the bar says where the last colour is."""
    cells = np.arange(1000.0).reshape(20, 50)
    assert ceiling(cells, "gradcam") == 999
    assert ceiling(cells, "gradient") == pytest.approx(0.99 * 999)
    spike = np.zeros((20, 50))
    spike[3, 4] = 7
    assert ceiling(spike, "guided") == 7  # nothing else is to be seen


def test_the_small_print_says_how_maps_were_made() -> None:
    found = explained(np.ones((2, 2))).explanation
    assert how_of(found) == "gradcam"
    both = replace(found, smooth="aug, eigen", fuse="max")
    assert how_of(both) == "gradcam, smoothed by aug, eigen, max of layers"
    assert how_of(replace(found, fuse="root")) == "gradcam, root of layers"


def test_a_few_bright_pixels_do_not_darken_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[float, float]] = []
    monkeypatch.setattr("cam_core.cli.pictures.sheet", lambda *_, limits, **__: seen.append(limits))
    cells = np.ones((20, 50), np.float32)
    cells[0] = 0
    cells[3, 4] = 100
    draw(sample(np.zeros((1, 20, 50), np.float32)), explained(cells, "gradient"), None)
    assert seen == [(0.0, 1.0)]
