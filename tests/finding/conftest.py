"""A residual network whose nodes have names."""

from __future__ import annotations

import onnx
import pytest

from tests.finding.nets import CLASSES, NORM, RESIDUAL, TWO_CONVOLUTIONS, W1, net


@pytest.fixture
def residual() -> onnx.ModelProto:
    model = net(RESIDUAL, W1 | TWO_CONVOLUTIONS | NORM | CLASSES)
    for node in model.graph.node:
        node.name = f"node_{node.output[0]}"
    return model
