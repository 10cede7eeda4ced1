"""A pass leaves the module as it was."""

from __future__ import annotations

import numpy as np
import pytest

from backends.torch import TorchBackend
from cam_core.errors import LayerError
from tests.cotangents import one_hot
from tests.live.modules import close, small

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("layer", ["body", "unused"])
def test_the_module_is_as_it_was(layer, image):
    net = small().train()
    net.body.eval()
    for parameter in net.stem.parameters():
        parameter.requires_grad_(False)
    net.head.bias.grad = torch.ones(3)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    given = image.copy()
    if layer == "unused":
        with pytest.raises(LayerError, match="not called"):
            TorchBackend(net).capture(image, one_hot(0, 0), layers=[layer])
    else:
        TorchBackend(net).capture(image, one_hot(0, 0), layers=[layer])
    assert [net.training, net.stem[1].training, net.body.training] == [True, True, False]
    assert [p.requires_grad for p in net.stem.parameters()] == [False] * 4
    assert [name for name, p in net.named_parameters() if p.grad is not None] == ["head.bias"]
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert not any(part._forward_hooks for part in net.modules())
    np.testing.assert_array_equal(image, given)


def test_a_frozen_module_under_no_grad(image):
    net = small().requires_grad_(False)
    expected = TorchBackend(small()).capture(image, one_hot(0, 0))[0]
    with torch.no_grad():
        got = TorchBackend(net).capture(image, one_hot(0, 0))[0]
    close(got.gradients, expected.gradients)
