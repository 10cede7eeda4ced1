"""What lies alike, in as many parts as it falls into by itself.

Ward 1963; the number of parts of the largest mean silhouette, Rousseeuw 1987.
"""

from __future__ import annotations

import numpy as np

from ...backend import Array

MOST = 4
"""Parts at most."""
APART = 0.25
"""A silhouette below that is no structure (Kaufman and Rousseeuw 1990): one part."""


def parts(rows: Array, apart: float = APART) -> list[Array]:
    """Which rows [n, numbers] belong together, as masks [n]; all where they do not fall apart.

    `apart`: the silhouette that is needed.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import pdist, squareform

    whole = [np.ones(len(rows), bool)]
    distances = pdist(rows.astype(np.float64))
    if not distances.max() > 0:
        return whole
    tree, square = linkage(rows.astype(np.float64), "ward"), squareform(distances)
    best, found = apart, whole
    for count in range(2, MOST + 1):
        numbers = fcluster(tree, count, "maxclust")
        rated = silhouette(square, numbers)
        if rated > best:
            best, found = rated, [numbers == n for n in np.unique(numbers)]
    return found


def silhouette(distances: Array, numbers: Array) -> float:
    """mean of (b - a) / max(a, b), 0 of what is alone in its cluster (Rousseeuw 1987).

    a is the mean distance to one's own cluster, b that to the nearest other.
    """
    names = np.unique(numbers)
    if len(names) < 2:
        return 0.0
    sums = np.stack([distances[:, numbers == n].sum(axis=1) for n in names], axis=1)
    sizes = np.array([(numbers == n).sum() for n in names])
    own = np.searchsorted(names, numbers)
    rows = np.arange(len(numbers))
    alone = sizes[own] == 1
    a = sums[rows, own] / np.maximum(sizes[own] - 1, 1)
    others = sums / sizes
    others[rows, own] = np.inf
    b = others.min(axis=1)
    most = np.maximum(a, b)
    found = np.where(alone | (most == 0), 0.0, (b - a) / np.where(most == 0, 1, most))
    return float(found.mean())
