"""Where a live tensor has its channels, read from the operators that autograd recorded."""

from __future__ import annotations

import pytest

from backends.torch import TorchBackend
from backends.torch.layout import find_layout
from tests.cotangents import one_hot
from tests.live.modules import small

torch = pytest.importorskip("torch")
nn = torch.nn


LAYOUTS = [  # module, input shape, the channels' place in the module's own output
    ("conv", nn.Conv2d(2, 5, 1), (1, 2, 4, 3), "NCHW"),
    ("conv1d", nn.Conv1d(2, 5, 1), (1, 2, 4), "NCL"),
    ("conv3d", nn.Conv3d(2, 5, 1), (1, 2, 4, 3, 2), "NCDHW"),
    ("linear", nn.Linear(2, 5), (1, 4, 3, 2), "NHWC"),
    ("layer norm", nn.LayerNorm(2), (1, 4, 3, 2), "NHWC"),
    ("tokens", nn.Linear(2, 5), (1, 9, 2), "N(3*3)C"),
    ("class token", nn.Linear(2, 5), (1, 10, 2), "N(1+3*3)C"),
    ("registers", nn.Linear(2, 5), (1, 21, 2), "N(5+4*4)C"),
    ("sequence", nn.Linear(2, 5), (1, 7, 2), "N(L)C"),
    ("head", nn.Linear(2, 5), (3, 2), "NC"),
]


@pytest.mark.parametrize(
    ("module", "shape", "text"), [r[1:] for r in LAYOUTS], ids=[r[0] for r in LAYOUTS]
)
def test_the_layout_is_read_from_the_operators(module, shape, text):
    assert find_layout(module(torch.ones(shape))).text() == text


def test_the_layout_follows_transpositions_and_reshapes():
    x = nn.Conv2d(2, 5, 1)(torch.ones(1, 2, 3, 3))
    assert find_layout(x.permute(0, 2, 3, 1).relu()).text() == "NHWC"
    assert find_layout(x.permute(0, -2, -1, 1)).text() == "NHWC"
    assert find_layout(x.flatten(2).transpose(1, 2) * 2).text() == "N(3*3)C"
    assert find_layout(nn.LayerNorm(5)(x.movedim(1, -1)).permute(0, 3, 1, 2)).text() == "NCHW"
    assert find_layout(x.flatten(2)).text() == "NCL"


def test_a_layout_may_be_given(image):
    backend = TorchBackend(small(), layout="NHWC")
    (capture,) = backend.capture(image, one_hot(0, 0), layers=["body"])
    assert capture.activations.shape == (2, 2, 5, 3)
