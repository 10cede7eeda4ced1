"""The networks of examples.pooling: their maps against autograd, and what the figures count."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from examples.demo.scenes import LABELS, render  # noqa: E402
from examples.demo.train import Net  # noqa: E402
from examples.pooling import SIZE, Maximum, covered, maps  # noqa: E402


@pytest.mark.parametrize("kind", [Net, Maximum])
def test_maps_are_grad_cams_of_either_head(kind: type[Net]) -> None:
    """The mean of autograd's gradient at the last ReLU, then ReLU of the weighted sum."""
    torch.manual_seed(1)
    net = kind(len(LABELS)).eval()
    scene = render(3, count=2, size=SIZE)
    image = torch.from_numpy(scene.pixels).permute(2, 0, 1)[None].float() / 255
    seen: list[torch.Tensor] = []
    hook = net.stage3.register_forward_hook(lambda module, given, made: seen.append(made))
    y = net(image)
    hook.remove()
    for row, thing in enumerate(scene.things):
        (G,) = torch.autograd.grad(y[0, LABELS.index(thing.label)], seen[0], retain_graph=True)
        cam = (G.mean(dim=(2, 3), keepdim=True) * seen[0]).sum(dim=1).relu().detach()
        expected = torch.nn.functional.interpolate(
            cam[None], size=(SIZE, SIZE), mode="bilinear", align_corners=False
        )[0, 0].numpy()
        expected = (expected - expected.min()) / (expected.max() - expected.min())
        np.testing.assert_allclose(maps(net, scene)[row], expected, atol=1e-4)  # of at most 1


def test_the_share_that_is_covered() -> None:
    one = np.zeros((8, 8))
    one[2:4, 2:6] = 1.0
    one[4, 2:6] = 0.19  # below the threshold
    assert covered(one, (2, 2, 6, 6)) == 0.5
    assert covered(one, (0, 0, 2, 2)) == 0
