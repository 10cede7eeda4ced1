"""Occlusion against a loop over windows, one run of torch each."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core import explain, explain_all
from cam_core.errors import InputError
from cam_core.methods.occlusion import cover

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
from backends.onnx import OnnxBackend  # noqa: E402
from tests.core.methods.counted import counted  # noqa: E402
from tests.core.methods.forward_net import SIZE, module, net, pictures  # noqa: E402

Array = np.ndarray
CLASSES = [1, 3]


@pytest.fixture(scope="module")
def backend() -> OnnxBackend:
    return OnnxBackend(net())


def loops(tops: list[int], lefts: list[int], window: tuple[int, int], fill: float | None) -> Array:
    """The mean loss over the windows that cover a place; fill None: the mean of each channel."""
    run, x = module(), pictures()
    found = np.zeros((2, *SIZE))
    with torch.no_grad():
        for n, c in enumerate(CLASSES):
            Y = float(run(torch.from_numpy(x[n : n + 1]))[0, c])
            total, count = np.zeros(SIZE), np.zeros(SIZE)
            for top in tops:
                for left in lefts:
                    part = np.s_[top : top + window[0], left : left + window[1]]
                    hidden = x[n : n + 1].copy()
                    for k in range(3):
                        hidden[0, k][part] = x[n, k].mean() if fill is None else fill
                    total[part] += Y - float(run(torch.from_numpy(hidden))[0, c])
                    count[part] += 1
            found[n] = total / np.maximum(count, 1)
    return found


@pytest.mark.parametrize(
    ("options", "tops", "lefts", "window"),
    [
        # 3 x 4 of 20 x 28, every second: the last ones end with the picture
        ({}, [*range(0, 17, 2), 17], [*range(0, 24, 2), 24], (3, 4)),
        ({"window": (10, 14), "stride": 7, "baseline": 0.5}, [0, 7, 10], [0, 7, 14], (10, 14)),
        ({"window": 4, "stride": 9, "baseline": 0.0}, [0, 9, 16], [0, 9, 18, 24], (4, 4)),
        ({"window": 99}, [0], [0], SIZE),
    ],
)
def test_window_by_window(
    backend: OnnxBackend,
    options: dict[str, float],
    tops: list[int],
    lefts: list[int],
    window: tuple[int, int],
) -> None:
    found = explain(backend, pictures(), CLASSES, "occlusion", **options)
    expected = loops(tops, lefts, window, options.get("baseline"))
    np.testing.assert_allclose(found.signed, expected, rtol=1e-3, atol=1e-5)
    assert found.layer == "x"
    assert found.region is not None
    assert found.region.whole


def test_windows_of_an_axis() -> None:
    np.testing.assert_array_equal(
        cover(5, 2, 2), [[1, 1, 0, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 1, 1]]
    )
    np.testing.assert_array_equal(cover(4, 2, 2), [[1, 1, 0, 0], [0, 0, 1, 1]])
    np.testing.assert_array_equal(cover(3, 3, 1), [[1, 1, 1]])


def test_five_targets_cost_the_passes_of_one(
    backend: OnnxBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = counted(monkeypatch)
    explain_all(backend, pictures(), [0, 1, 2, 3, [1, 3]], ["occlusion"], window=10, stride=9)
    assert rows == {"looks": 2 + 2 * 3 * 3}


@pytest.mark.parametrize("wrong", [{"window": 0}, {"stride": (1, 2, 3)}])
def test_windows_that_cannot_be(backend: OnnxBackend, wrong: dict[str, object]) -> None:
    with pytest.raises(InputError, match="give 2 numbers from 1 on, or one"):
        explain(backend, pictures(), 1, "occlusion", **wrong)
