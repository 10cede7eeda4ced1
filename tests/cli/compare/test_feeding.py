"""What B is fed: A's bytes, wherever it takes them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cam_core.backend import InputInfo
from cam_core.cli.compare.feeding import feeding, turned
from cam_core.cli.inputs.opened import Setup
from cam_core.cli.inputs.reader import Reader
from cam_core.cli.inputs.samples import Slot
from cam_core.errors import InputError
from cam_core.image import PRESETS

FLOAT, HALF, BYTES = (np.dtype(kind) for kind in (np.float32, np.float16, np.uint8))
PIXELS = np.random.default_rng(0).integers(1, 255, (8, 8, 3)).astype(np.uint8)


def setup(*infos: InputInfo, preset: str = "unit") -> Setup:
    reader = Reader(infos, infos[0], PRESETS[preset], {})
    backend: Any = SimpleNamespace()
    from pathlib import Path

    slots = [Slot("p.png", "p", Path("p.png"), PIXELS)]
    return Setup(backend, reader, slots, f"--preprocess {preset}", None, "none")


def info(*shape: Any, dtype: Any = FLOAT, channels: int = 1, name: str = "x") -> InputInfo:
    return InputInfo(name, shape, dtype, channels)


NCHW = info("N", 3, 8, 8)


def fed(b: Setup, **options: Any) -> tuple[Any, Any]:
    found = feeding(setup(NCHW), b, own=False, **options)
    return found, found.photo(0)


def test_the_same_bytes_whatever_b_says_of_itself() -> None:
    found, photo = fed(setup(NCHW, preset="raw"))
    assert found.how == "same"
    assert found.said == (
        "B is fed as A, while its own files say otherwise (shorter side 8, centre 8x8, RGB "
        "(--preprocess raw)): --own-preprocessing feeds it so"
    )
    assert fed(setup(NCHW))[0].said == ""
    guess = replace(setup(NCHW, preset="raw"), source="raw, a guess as nothing says it: check")
    assert fed(guess)[0].said == ""
    np.testing.assert_array_equal(photo.a, photo.b)
    np.testing.assert_allclose(photo.a[0], PIXELS.transpose(2, 0, 1) / 255, atol=1e-6)


def test_its_own_preprocessing_where_that_is_asked_for() -> None:
    found = feeding(setup(NCHW), setup(NCHW, preset="raw"), own=True)
    photo = found.photo(0)
    assert found.said == (
        "B is fed by its own preprocessing: RGB x 1, --preprocess raw; A: RGB x 0.003922, "
        "--preprocess unit"
    )
    np.testing.assert_allclose(photo.b, 255 * np.asarray(photo.a), atol=1e-3)


def test_another_type_layout_or_size() -> None:
    cast, photo = fed(setup(info("N", 3, 8, 8, dtype=HALF)))
    assert (cast.how, photo.b.dtype) == ("cast", HALF)
    assert "A takes float32, B float16" in cast.said
    other, photo = fed(setup(info("N", 8, 8, 3, channels=3)))
    assert other.how == "turned"
    np.testing.assert_array_equal(photo.b[0], photo.a[0].transpose(1, 2, 0))
    smaller, photo = fed(setup(info("N", 3, 4, 4), preset="raw"))
    assert (smaller.how, photo.b.shape) == ("sized", (1, 3, 4, 4))
    assert photo.b.max() <= 1  # by A's preprocessing
    assert smaller.said.startswith(
        "A takes 3x8x8, B 3x4x4: each photo at its own size; B is fed as"
    )
    whole, photo = fed(setup(info("N", 3, 8, 8, dtype=BYTES), preset="raw"))
    assert (whole.how, photo.b.dtype) == ("own", BYTES)
    assert "A takes float32, B uint8: B is fed by its own preprocessing" in whole.said


def test_noise_is_of_the_photo_and_seeded() -> None:
    _, photo = fed(setup(NCHW))
    moved = np.rint((np.asarray(photo.noisy()) - photo.a) * 255)
    assert set(np.unique(moved)) == {-1, 0, 1}
    _, again = fed(setup(NCHW))
    np.testing.assert_array_equal(photo.noisy(), again.noisy())
    _, other = fed(setup(NCHW), seed=1)
    assert (photo.noisy() != other.noisy()).any()


@pytest.mark.parametrize(
    ("infos", "said"),
    [
        ((NCHW, NCHW), "A takes 1 input and B 2"),
        ((info("N", 12),), "A takes 3x8x8 and B 12: no photo is both"),
    ],
)
def test_no_photo_is_both(infos: tuple[InputInfo, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        fed(setup(*infos))


def test_layouts_are_turned_both_ways() -> None:
    x = np.arange(24).reshape(1, 2, 3, 4)
    np.testing.assert_array_equal(turned(turned(x, 1), 3), x)
    assert turned(x, 1).shape == (1, 3, 4, 2)


def test_several_inputs_by_bs_names() -> None:
    a = setup(NCHW, info("N", 5, name="age"))
    b = setup(info("N", 5, name="years"), info("N", 3, 8, 8, name="photo"))
    ages = np.arange(5, dtype=np.float32)[None]
    a = replace(a, reader=replace(a.reader, extras={"age": ages}))
    found = feeding(a, b, own=False)
    assert found.how == "named"
    assert found.said.endswith("'age' of A is 'years' of B, 'x' of A is 'photo' of B")
    photo = found.photo(0)
    assert isinstance(photo.a, dict)
    assert isinstance(photo.b, dict)
    np.testing.assert_array_equal(photo.b["photo"], photo.a["x"])
    np.testing.assert_array_equal(photo.b["years"], ages)


@pytest.mark.parametrize(
    ("first", "rows"),
    [(info(4, 3, 8, 8), 4), (info(4, 3, 8, 8, dtype=HALF), 4), (info(4, 8, 8, 3, channels=3), 4)],
    ids=["same", "cast", "turned"],
)
def test_a_fixed_batch_of_b_is_filled(first: InputInfo, rows: int) -> None:
    _, photo = fed(setup(first))
    assert (len(photo.a), len(photo.b)) == (1, rows)
    np.testing.assert_array_equal(photo.b, photo.b[:1].repeat(rows, axis=0))
    assert photo.noisy_b is not None
    assert len(photo.noisy_b()) == rows
    back = feeding(setup(first), setup(replace(first, shape=(1, *first.shape[1:]))), own=False)
    assert len(back.photo(0).b) == 1
