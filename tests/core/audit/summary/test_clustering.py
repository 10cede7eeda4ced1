"""A silhouette by loops, and parts that were planted."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.audit.summary.clustering import parts, silhouette


def test_a_silhouette_is_that_of_a_loop() -> None:
    rng = np.random.default_rng(2)
    points, numbers = rng.random((12, 3)), rng.integers(1, 4, 12)
    numbers[0] = 9  # alone
    distances = np.linalg.norm(points[:, None] - points, axis=2)
    found = []
    for i in range(12):
        mine = [j for j in range(12) if numbers[j] == numbers[i] and j != i]
        if not mine:
            found.append(0.0)
            continue
        a = np.mean([distances[i, j] for j in mine])
        b = min(
            np.mean([distances[i, j] for j in range(12) if numbers[j] == n])
            for n in set(numbers) - {numbers[i]}
        )
        found.append((b - a) / max(a, b))
    assert silhouette(distances, numbers) == pytest.approx(np.mean(found))


def test_maps_that_lie_apart_are_parted_and_others_are_not() -> None:
    rng = np.random.default_rng(4)
    left, right = np.zeros((2, 4, 4))
    left[:, 0], right[:, 3] = 0.25, 0.25
    maps = np.stack([left] * 9 + [right] * 6) + rng.random((15, 4, 4)) * 0.01
    masks = parts(maps.reshape(15, -1))
    assert sorted(mask.sum() for mask in masks) == [6, 9]
    assert len(parts(np.tile(left.ravel(), (5, 1)))) == 1
