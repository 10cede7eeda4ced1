"""The rows of an .npz, one at a time."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from cam_core.audit.data import open_data
from cam_core.errors import InputError


def test_rows_are_those_that_numpy_reads(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    x, masks = rng.random((3, 3, 5, 4)).astype(np.float32), rng.random((3, 5, 4)) > 0.5
    boxes = np.array([[0, 1, 2, 3], [0, 0, 0, 0], [1, 1, 4, 4]], np.float64)
    np.savez(tmp_path / "a.npz", x=x, y=np.array([4, 0, 9]), boxes=boxes, masks=masks)
    items = list(open_data(tmp_path / "a.npz"))
    assert [(item.id, item.label) for item in items] == [
        ("a.npz[0]", 4),
        ("a.npz[1]", 0),
        ("a.npz[2]", 9),
    ]
    for i, item in enumerate(items):
        np.testing.assert_array_equal(item.source, x[i])
        (thing,) = item.things((5, 4))
        assert tuple(thing.box) == (item.label, *(boxes[i] if i != 1 else (0, 0, 4, 5)))
        assert thing.mask is not None
        np.testing.assert_array_equal(thing.mask(), masks[i])


def test_a_row_without_box_or_mask_has_nothing_marked(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=np.zeros((2, 4, 4, 3), np.uint8), boxes=np.zeros((2, 4)))
    assert [list(item.things((4, 4))) for item in open_data(tmp_path / "a.npz")] == [[], []]


def test_memory_is_that_of_a_row(tmp_path: Path) -> None:
    """512 rows of 24 KB are 12 MB; a row, its bytes and the decoder's window are held."""
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros((512, 3, 64, 128), np.uint8))
    data = open_data(tmp_path / "a.npz")
    tracemalloc.start()
    assert sum(1 for _ in data) == 512
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**21


def test_a_file_that_ends_early_is_told(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((9, 8, 8, 3), np.uint8))
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="not read"):
        list(open_data(tmp_path / "a.npz"))
