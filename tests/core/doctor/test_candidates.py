"""Which ways are tried, and what they make of a photo."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cam_core.backend import InputInfo
from cam_core.doctor.candidates import (
    RANGES,
    Candidate,
    alike,
    colours,
    current,
    fits,
    flags,
    layouts,
    same,
    with_range,
)
from cam_core.image import PRESETS, Preprocess
from tests.core.doctor.planted import INFO

PHOTO = np.arange(24 * 24 * 3, dtype=np.uint8).reshape(24, 24, 3)


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("bgr", [False, True])
def test_a_range_in_either_order(name: str, bgr: bool) -> None:
    """Each channel by its own numbers, whichever comes first."""
    mean, std, scale = (np.broadcast_to(v, 3) for v in RANGES[name])
    x = Candidate("", with_range(Preprocess(fit="stretch"), name, bgr), INFO).x(PHOTO)
    for position, channel in enumerate((2, 1, 0) if bgr else (0, 1, 2)):
        expected = (PHOTO[..., channel] * scale[channel] - mean[channel]) / std[channel]
        np.testing.assert_allclose(x[0, position], expected, rtol=1e-5, atol=1e-5)


def test_numbers_reshaped() -> None:
    one = replace(current(Preprocess(fit="stretch"), INFO), reshaped=True)
    np.testing.assert_array_equal(one.x(PHOTO)[0].ravel(), PHOTO.ravel())


def test_whole_numbers_have_a_range_of_their_own() -> None:
    info = replace(INFO, dtype=np.dtype(np.uint8))
    assert [one.name for one in colours(Preprocess(), info)] == ["RGB 0-255", "BGR 0-255"]


def test_one_channel_has_no_order() -> None:
    info = replace(INFO, shape=(1, 1, 28, 28))
    assert {one.name.split()[0] for one in colours(Preprocess(), info)} == {"grey"}


def test_layouts() -> None:
    open_sides = InputInfo("x", (1, None, None, 3), np.dtype(np.float32))
    both = InputInfo("x", (1, None, None, None), np.dtype(np.float32))
    assert [one.channel_axis for one in layouts(INFO)] == [1]
    assert [one.channel_axis for one in layouts(open_sides)] == [3]
    assert [one.channel_axis for one in layouts(both)] == [1, 3]


def test_the_same_way_is_known_however_it_is_written() -> None:
    half = Preprocess(mean=(0.5,), std=(0.5,), scale=1 / 255)
    assert same(current(half, INFO), current(PRESETS["tf"], INFO))
    assert not same(current(half, INFO), current(PRESETS["unit"], INFO))
    assert not same(current(half, INFO), current(replace(half, bgr=True), INFO))
    assert not same(current(half, INFO), current(replace(half, margin=1.2), INFO))


def test_of_a_square_photo_many_a_fit_is_alike() -> None:
    one, other = (current(Preprocess(fit=fit), INFO) for fit in ("crop", "stretch"))
    assert alike(one, other, [PHOTO])
    assert not alike(one, other, [PHOTO, PHOTO[:12]])


def test_another_fit_of_what_is_fed_is_not_as_it_is_fed() -> None:
    used = current(Preprocess(fit="stretch"), INFO)
    assert used.name == "as it is fed"
    assert all(one.name.startswith("its own colours, ") for one in fits(used))
    assert fits(replace(used, name="BGR 0-1"))[0].name == "BGR 0-1, crop"


def test_a_fixed_batch_repeats_the_photo() -> None:
    one = current(Preprocess(), replace(INFO, shape=(3, *INFO.shape[1:])))
    x = one.x(PHOTO)
    assert len(x) == 3
    np.testing.assert_array_equal(x[1:], x[:1].repeat(2, axis=0))


def test_fits_leave_the_one_that_is_used_out() -> None:
    used = current(Preprocess(fit="letterbox"), INFO)
    found = fits(used)
    assert len(found) == 4
    assert {one.spec.fit for one in found} == {"crop", "stretch", "corner"}


def test_flags() -> None:
    bgr = current(replace(PRESETS["imagenet"], bgr=True, fit="stretch"), INFO)
    assert flags(bgr) == (
        "--rescale 0.00392157 --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 --bgr --fit stretch"
    )
    assert flags(current(PRESETS["imagenet"], INFO)) == "--preprocess imagenet"
    cut = replace(PRESETS["imagenet"], bgr=True, margin=1.5)
    assert flags(current(cut, INFO)).endswith("--bgr --fit crop --resize 36")  # 24 x 1.5
