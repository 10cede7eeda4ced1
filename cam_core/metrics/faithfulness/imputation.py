"""What a picture could have had where cells are missing: noisy linear imputation."""

from __future__ import annotations

import numpy as np

from ...backend import Array
from ...errors import InputError
from ..given import cast

NEIGHBOURS = (
    *(((i, j), 1 / 6) for i, j in ((-1, 0), (1, 0), (0, -1), (0, 1))),
    *(((i, j), 1 / 12) for i in (-1, 1) for j in (-1, 1)),
)
"""(offset, weight): Rong et al. 2022, ROAD, section 4."""
NOISE = 0.01
"""The standard deviation of what is added, in units of the input, as in the paper's code."""


def impute(
    x: Array, missing: Array, *, noise: float = NOISE, rng: np.random.Generator | None = None
) -> Array:
    """x with each missing cell the weighted mean of its neighbours, and noise (Rong et al. 2022).

    All missing cells are solved for at once: sum over neighbours of w (v - v_n) = 0, where those
    beyond the edge have no weight. Without noise the solution is smooth, and a network could read
    the shape of the mask off it.

    Args:
        x: [C, H, W].
        missing: bool [H, W], not everywhere.
        noise: its standard deviation; 0 for none.
        rng: of the noise; None is seed 0.
    """
    if missing.shape != x.shape[1:] or x.ndim != 3:
        raise InputError(
            f"cells of {missing.shape} of an input {x.shape}: imputation is of pictures"
        )
    if missing.all():
        raise InputError("every cell is missing: there is nothing to impute from")
    if not missing.any():
        return x.copy()
    values = _solved(x.astype(np.float64), missing)
    if noise:
        rng = np.random.default_rng(0) if rng is None else rng
        values = values + noise * rng.standard_normal(values.shape)
    found = x.copy()
    found[:, missing] = cast(values.T, x.dtype)
    return found


def _solved(x: Array, missing: Array) -> Array:
    """The values of the missing cells, [M, C]."""
    from scipy.sparse import csc_array
    from scipy.sparse.linalg import splu

    top, left = np.nonzero(missing)
    count = len(top)
    number = np.full(missing.shape, -1)
    number[missing] = np.arange(count)
    diagonal, known = np.zeros(count), np.zeros((count, len(x)))
    rows, columns, weights = [np.arange(count)], [np.arange(count)], [diagonal]
    for (down, across), weight in NEIGHBOURS:
        i, j = top + down, left + across
        within = np.flatnonzero(
            (i >= 0) & (j >= 0) & (i < missing.shape[0]) & (j < missing.shape[1])
        )
        i, j = i[within], j[within]
        diagonal[within] += weight
        gone = missing[i, j]
        known[within[~gone]] += weight * x[:, i[~gone], j[~gone]].T
        rows.append(within[gone])
        columns.append(number[i[gone], j[gone]])
        weights.append(np.full(gone.sum(), -weight))
    matrix = csc_array(
        (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))),
        shape=(count, count),
    )
    # Symmetric and diagonally dominant: no pivoting, and the order that suits that is much faster.
    solver = splu(
        matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
    )
    found: Array = solver.solve(known)
    return found
