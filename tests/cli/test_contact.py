"""Several methods of one photo: each has its files, and all of them one sheet."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from cam_core.cli import contact
from cam_core.cli.contact import LONGER
from cam_core.cli.group import gradcam
from cam_core.demo import LABELS, MODEL, PREPROCESS, load_scenes

pytest.importorskip("onnxruntime", reason="no runtime is installed")
PAPER = 255


@pytest.fixture
def run(tmp_path: Path):
    """`gradcam explain` of a scene on paper-free ground, letterboxed; the files that it wrote."""
    Image.fromarray(load_scenes()[0].pixels()).save(tmp_path / "scene.png")

    def explain(*more: str) -> list[str]:
        call = ["explain", str(MODEL), str(tmp_path / "scene.png"), "--labels", str(LABELS)]
        call += ["--preprocess", PREPROCESS, "-o", str(tmp_path / "out"), *more]
        done = CliRunner().invoke(gradcam, call)
        assert done.exit_code == 0, done.output
        return sorted(path.name for path in (tmp_path / "out").iterdir())

    return explain


def test_one_method_has_no_sheet(run) -> None:
    assert run("--method", "layercam", "--target", "1") == [
        f"scene.1.layercam.{kind}" for kind in ("json", "npy", "png")
    ]


MEAN = "the head takes a mean of the layer"
TIE = "a tie for first by energy in box, with gradcam and xgradcam"


@pytest.mark.parametrize(
    ("asked", "said"),
    [("best", f"hirescam (best, as {MEAN}: {TIE})"), ("auto", "gradcam (auto)"), ("gradcam", "")],
)
def test_what_was_chosen_is_said(asked: str, said: str, tmp_path: Path) -> None:
    Image.fromarray(load_scenes()[0].pixels()).save(tmp_path / "scene.png")
    call = ["explain", str(MODEL), str(tmp_path / "scene.png"), "--method", asked]
    done = CliRunner().invoke(gradcam, [*call, "-o", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    told = [line.split(maxsplit=1)[1] for line in done.output.splitlines() if line[:7] == "method "]
    assert [text.strip() for text in told] == ([said] if said else [])


def test_each_method_has_files_and_all_a_sheet(run, tmp_path: Path) -> None:
    methods, targets = ["gradcam", "hirescam", "layercam"], ["1", "4"]
    asked = [word for name in methods for word in ("--method", name)]
    found = run(*asked, *(word for c in targets for word in ("--target", c)))
    each = [f"scene.{c}.{m}.{k}" for c in targets for m in methods for k in ("json", "npy", "png")]
    assert found == sorted([*each, "scene.methods.png"])
    for name in methods:
        record = json.loads((tmp_path / "out" / f"scene.1.{name}.json").read_text())
        assert record["method"] == name
    sheet = np.asarray(Image.open(tmp_path / "out" / "scene.methods.png")).astype(int)
    painted = np.all(sheet != PAPER, axis=2)  # no pixel of the scene is as bright
    rows = panels(painted[:, : LONGER + 20].sum(axis=1))
    columns = panels(painted[: rows[0][1], :].sum(axis=0))
    assert (len(rows), len(columns)) == (len(targets), 1 + len(methods))
    (top, bottom), (left, right) = rows[1], columns[0]
    photo = Image.open(tmp_path / "scene.png").convert("RGB").resize((LONGER, LONGER))
    shown = sheet[top:bottom, left:right]
    assert np.abs(shown - np.asarray(photo).astype(int)).mean() < 2  # both bicubic, but rounding
    for name, (start, stop) in zip(methods, columns[1:], strict=True):
        alone = np.asarray(Image.open(tmp_path / "out" / f"scene.4.{name}.png")).astype(int)
        assert hot(sheet[top:bottom, start:stop]) == pytest.approx(hot(alone), abs=0.08), name


def hot(pixels: np.ndarray) -> tuple[float, float]:
    """Where the red of a map is, as parts of the scene's height and width."""
    size = min(pixels.shape[:2])
    inside = pixels[:LONGER, :LONGER] if size == LONGER else scene_of(pixels)
    red = (inside[..., 0] - inside[..., 2]).clip(0)
    y, x = np.unravel_index(np.argmax(blurred(red)), red.shape)
    return y / red.shape[0], x / red.shape[1]


def scene_of(card: np.ndarray) -> np.ndarray:
    """The picture on a card: the large block that is not paper."""
    painted = np.all(card != PAPER, axis=2)
    rows = runs(painted.sum(axis=1) > 400)[0]
    columns = runs(painted[rows[0] : rows[1]].sum(axis=0) > 400)[0]
    return card[rows[0] : rows[1], columns[0] : columns[1]]


def panels(painted: np.ndarray) -> list[tuple[int, int]]:
    """From where to where panels lie; letters and the bar are shorter or longer."""
    return [run for run in runs(painted > LONGER // 2) if run[1] - run[0] == LONGER]


def blurred(values: np.ndarray) -> np.ndarray:
    from scipy.ndimage import uniform_filter

    return uniform_filter(values.astype(float), max(values.shape) // 16)


def runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """From where to where it is true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


SCALES = {  # options: of each method, the files whose maps have one scale
    ("--scale", "shared"): "scene.[14].{}.npy",
    ("--versus", "4"): "scene.versus-4.{}.npy",
}


@pytest.mark.parametrize("more", SCALES, ids=lambda more: more[0])
def test_where_pictures_have_one_scale_the_sheet_has_it_too(
    more: tuple[str, str], run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A panel's hottest colour is its map's maximum over the largest value of its method."""
    heats: list[float] = []
    own = contact.paint
    monkeypatch.setattr(
        contact, "paint", lambda photo, heat, at: heats.append(heat.max()) or own(photo, heat, at)
    )
    methods = ("gradcam", "hirescam")
    targets = ("--target", "1", "--target", "4") if more[0] == "--scale" else ()
    run(*(word for m in methods for word in ("--method", m)), *targets, *more)
    expected = []
    for method in methods:
        files = sorted((tmp_path / "out").glob(SCALES[more].format(method)))
        loaded = map(np.load, files)
        maps = np.concatenate([one.reshape(-1, *one.shape[-2:]) for one in loaded])
        largest = np.abs(maps).max()
        expected.append([max(one.max(), 0) / largest for one in maps])
    shown = np.array(expected).T.ravel()  # a row a target
    assert shown.min() < 0.5  # each over its own maximum all would be 1
    np.testing.assert_allclose(heats, shown, atol=1e-5)
