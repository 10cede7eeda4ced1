"""Pools whose last window starts behind the input: windows counted one by one."""

from __future__ import annotations

import itertools

import numpy as np
import onnx_graphsurgeon as gs
import pytest
from onnx import helper

from backends.onnx.reading.ceil_pools import require_counted, schema_version
from cam_core.errors import ModelError


def begun(size: int, kernel: int, stride: int, begin: int, end: int) -> tuple[int, int]:
    """(windows up to the last that covers the end, those of them that start in time)."""
    starts = [-begin]
    while starts[-1] + kernel < size + end:
        starts.append(starts[-1] + stride)
    return len(starts), sum(start < size for start in starts)


def test_only_a_count_that_no_runtime_computes_is_refused() -> None:
    refused = 0
    for size, kernel, stride in itertools.product(range(3, 9), (2, 3), (1, 2, 3)):
        for begin, end in itertools.product(range(kernel), repeat=2):
            covered, in_time = begun(size, kernel, stride, begin, end)
            attrs = {"kernel_shape": [kernel], "strides": [stride], "pads": [begin, end]}
            for counted in {covered, in_time}:
                x = gs.Variable("x", np.float32, (1, 1, size))
                y = gs.Variable("y", np.float32, (1, 1, counted))
                node = gs.Node("MaxPool", "pool", attrs | {"ceil_mode": 1}, [x], [y])
                require_counted([node], 22)
                if counted == covered:  # as the schemas before opset 22 say
                    require_counted([node], 17)
                else:
                    refused += 1
                    with pytest.raises(ModelError, match=r"'pool': its last window along axis 2"):
                        require_counted([node], 17)
    assert refused > 10


@pytest.mark.parametrize(
    ("operator", "ceil", "version"),
    [("MaxPool", 1, 22), ("MaxPool", 0, 13), ("AveragePool", 1, 22), ("Relu", 1, 13)],
)
def test_the_schema_that_counts_as_runtimes_do(operator: str, ceil: int, version: int) -> None:
    node = helper.make_node(operator, ["x"], ["y"], ceil_mode=ceil)
    assert schema_version(node, 13) == version
