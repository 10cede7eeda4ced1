"""Models whose attention is no one map of the picture: each is refused in one line."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
from torch import nn

from backends.onnx import OnnxBackend
from cam_core import explain
from cam_core.demo import MODEL
from cam_core.errors import InputError
from tests.attentive import WIDTH, TinyViT, exported, made, pictures
from tests.models.networks import randomise


class Mixed(nn.Module):
    """Attention whose heads are mixed after the softmax (talking heads)."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.talk = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(2, 2)
        self.proj = nn.Linear(WIDTH, WIDTH)

    def forward(self, x, *_):
        n, t, c = x.shape
        q, k, v = self.qkv(x).reshape(n, t, 3, 2, c // 2).permute(2, 0, 3, 1, 4).unbind(0)
        P = (q @ k.transpose(-2, -1)).softmax(-1)
        P = self.talk(P.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return self.proj((P @ v).transpose(1, 2).reshape(n, t, c))


class Windows(nn.Module):
    """Attention within the upper and the lower row of patches."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = made("mean").blocks[0].attn

    def forward(self, x, *_):
        n, t, c = x.shape
        return self.inner(x.reshape(n * 2, t // 2, c)).reshape(n, t, c)


def with_blocks(*attentions: nn.Module | None, head: str = "mean") -> OnnxBackend:
    net = TinyViT(head)
    for block, attention in zip(net.blocks, attentions, strict=True):
        if attention is not None:
            block.attn = attention
    return OnnxBackend(exported(randomise(net, 0), "torchscript", 17))


def refused(backend: OnnxBackend, method: str, words: str, x: np.ndarray) -> None:
    with pytest.raises(InputError, match=words) as caught:
        explain(backend, x, 3, method)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("method", ["rollout", "gradrollout", "legrad", "legrad-final"])
def test_windows(method: str) -> None:
    refused(with_blocks(Windows(), Windows()), method, "within windows", pictures().numpy())


def test_no_attention() -> None:
    x = np.zeros((1, 3, 128, 128), np.float32)
    words = "no attention over places .* `hirescam` and `gradcam`"
    refused(OnnxBackend(MODEL.read_bytes()), "rollout", words, x)


def test_a_block_that_is_not_recognised_breaks_the_chain() -> None:
    backend, x = with_blocks(Mixed(), None, head="class"), pictures().numpy()
    for method in ("rollout", "gradrollout"):
        refused(backend, method, "cannot be multiplied .* use legrad-final", x)
    assert explain(backend, x, 3, "legrad-final").map.max() > 0


def test_the_live_backend_has_none() -> None:
    class Bare:
        class_axis = 1

        def __getattr__(self, name: str):
            if name == "attend":
                raise AttributeError(name)
            return getattr(OnnxBackend(MODEL.read_bytes()), name)

    refused(
        Bare(),  # type: ignore[arg-type]
        "rollout",
        "sees no attention weights",
        np.zeros((1, 3, 128, 128), np.float32),
    )
