"""Masks as run lengths, as COCO writes those of crowds: uncompressed, column by column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cam_core.backend import Array


def run_lengths(mask: Array) -> dict[str, list[int]]:
    """A mask bool [H, W] as `{"size": [H, W], "counts": [...]}`.

    The pixels go down the first column, then the second ...; counts say how many are not in the
    mask, are, are not, ... and begin with 0 where the first one is. (COCO's API, `maskApi.h`.)
    """
    pixels = np.asarray(mask, bool).ravel(order="F")
    changes = np.flatnonzero(np.diff(pixels)) + 1
    counts = np.diff(np.concatenate([[0], changes, [pixels.size]])).tolist()
    first = [0] if pixels.size and pixels[0] else []
    return {"size": list(mask.shape), "counts": first + counts}


def mask_of(runs: Mapping[str, Any]) -> Array:
    """The mask bool [H, W] of such run lengths."""
    counts = np.asarray(runs["counts"], np.intp)
    pixels = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    return pixels.reshape(runs["size"], order="F")
