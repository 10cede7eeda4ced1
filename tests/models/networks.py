"""Small torchvision-like networks with seeded weights: where they are looked at, their exports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn

from tests.models import networks_cnn as cnn
from tests.models import networks_transformer as attention


def randomise(net: nn.Module, seed: int) -> nn.Module:
    """Seeded weights at a lively scale, with batch statistics that are not the identity."""
    rng = torch.Generator().manual_seed(seed)

    def draw(tensor: Any, low: float, high: float) -> None:
        tensor.copy_(low + (high - low) * torch.rand(tensor.shape, generator=rng))

    with torch.no_grad():
        for name, tensor in sorted({**dict(net.named_parameters()), **net.state_dict()}.items()):
            if not tensor.is_floating_point():
                continue
            if name.endswith(("running_var", "layer_scale")):
                draw(tensor, 0.5, 1.5)
            elif tensor.ndim > 1 and not name.endswith(("_token", "_embed", "_table")):
                spread = (6.0 / tensor[0].numel()) ** 0.5
                draw(tensor, -spread, spread)
            elif name.endswith("weight"):
                draw(tensor, 0.5, 1.5)
            else:
                draw(tensor, -0.3, 0.3)
    return net.eval()


class Row(NamedTuple):
    """A network, where its default layer is, an earlier layer, and the exports to try."""

    build: Callable[[], nn.Module]
    default: str
    earlier: str
    exports: str
    size: int = 32
    tolerance: float = 0.0
    """Of the original outputs, relative: a transformer's additions may be fused another way."""


def vit(mixer: Callable[[int], nn.Module], exports: str) -> Row:
    return Row(lambda: attention.ViT(mixer), "blocks.1.norm1", "blocks.0.norm1", exports, 32, 1e-6)


def mobile(exports: str, *options: Any) -> Row:
    return Row(lambda: cnn.MobileNet(*options), "features", "features.2", exports)


NETS = {
    "resnet basic": Row(
        lambda: cnn.ResNet(bottleneck=False), "layer2", "layer1", "dynamo-18 torchscript-13", 48
    ),
    "resnet bottleneck": Row(
        lambda: cnn.ResNet(bottleneck=True), "layer2", "layer1", "dynamo-20 torchscript-11", 48
    ),
    "vgg": Row(cnn.VGG, "features.6", "features.1", "dynamo-18 torchscript-11"),
    "densenet": Row(cnn.DenseNet, "relu", "features.denseblock1", "dynamo-20 torchscript-17"),
    "inception": Row(cnn.Inception, "mixed2", "mixed1", "dynamo-18 torchscript-13", 48),
    "mobilenet v2": mobile("dynamo-20 torchscript-11", nn.ReLU6),
    "mobilenet v3": mobile(
        "dynamo-18 torchscript-13 torchscript-17",
        nn.Hardswish,
        (nn.ReLU, nn.Hardsigmoid),
        nn.Hardswish,
    ),
    "efficientnet": mobile("dynamo-20 torchscript-17", nn.SiLU, (nn.SiLU, nn.Sigmoid)),
    "convnext": Row(
        attention.ConvNeXt, "features", "features.1", "dynamo-18 torchscript-13 torchscript-17"
    ),
    "vit": vit(lambda c: attention.Attention(c, 2, fused=False), "dynamo-20 torchscript-13"),
    "vit sdpa": vit(lambda c: attention.Attention(c, 2, fused=True), "dynamo-18 torchscript-17"),
    "vit multihead": vit(
        lambda c: attention.Multihead(c, 2, batch_first=True), "dynamo-20 torchscript-17"
    ),
    "vit rotary": vit(lambda c: attention.Rotary(c, 2, 17, half=False, apart=1), "dynamo-20"),
    "vit rotary halves": vit(
        lambda c: attention.Rotary(c, 2, 17, half=True, apart=1), "torchscript-17"
    ),
    "swin": Row(
        *(attention.Swin, "features", "features.1"),
        *("dynamo-18 torchscript-13 torchscript-17", 32, 1e-6),
    ),
    "squeezenet": Row(cnn.SqueezeNet, "features", "features.3", "dynamo-20 torchscript-11"),
}
