"""The layer that pytorch-grad-cam's documentation recommends, by family.

Its README names ResNet `layer4[-1]`, VGG, DenseNet and MobileNet `features[-1]`, MNASNet
`layers[-1]`, ViT `blocks[-1].norm1`, Swin `layers[-1].blocks[-1].norm1`. The rest here are the
same idea, the last stage, under the families' own names; torchvision's ViT calls its `norm1`
`ln_1`, CrossViT's last blocks are those of its cross attention, `fusion`.
"""

from __future__ import annotations

import re

from torch import nn

PATTERNS = (
    r"blocks\.{last}\.norm1",
    r"blocks\.{last}\.fusion\.{last}\.norm1",
    r"encoder\.layers\.encoder_layer_{last}\.ln_1",
    r"layer4",
    r"features",
    r"stages\.{last}",
    r"layers\.{last}",
    r"layers",
    r"blocks\.{last}",
    r"conv_head",
    r"trunk_output",
)
"""Module paths, the first that the model has; `{last}` is the largest number it has there."""


def recommended(name: str, net: nn.Module) -> str:
    """The module's path; empty where no rule of the documentation applies."""
    paths = [path for path, _ in net.named_modules()]
    for pattern in PATTERNS:
        number = re.compile(pattern.replace("{last}", r"(\d+)"))
        found = [(m, path) for path in paths if (m := number.fullmatch(path))]
        if found:
            return str(max(found, key=lambda pair: [int(g) for g in pair[0].groups()])[1])
    return ""
