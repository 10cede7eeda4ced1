"""Small convolutional networks, built block by block as torchvision builds its own."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

CLASSES = 6


def cbr(i: int, o: int, k: Any = 3, s: int = 1, *, g: int = 1, act: Any = nn.ReLU) -> nn.Sequential:
    """Convolution, batch norm and, unless act is None, an activation."""
    pad = tuple(n // 2 for n in k) if isinstance(k, tuple) else k // 2
    parts = [nn.Conv2d(i, o, k, s, pad, groups=g, bias=False), nn.BatchNorm2d(o)]
    return nn.Sequential(*parts, *([] if act is None else [act()]))


class Residual(nn.Module):
    """A ResNet block, basic or bottleneck; its one in-place ReLU is called several times."""

    def __init__(self, i: int, o: int, s: int, *, bottleneck: bool) -> None:
        super().__init__()
        self.relu = nn.ReLU(inplace=True)
        self.bottleneck = bottleneck
        if bottleneck:
            self.conv1, self.bn1 = nn.Conv2d(i, o // 4, 1, bias=False), nn.BatchNorm2d(o // 4)
            self.conv2 = nn.Conv2d(o // 4, o // 4, 3, s, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(o // 4)
            self.conv3, self.bn3 = nn.Conv2d(o // 4, o, 1, bias=False), nn.BatchNorm2d(o)
        else:
            self.conv1, self.bn1 = nn.Conv2d(i, o, 3, s, 1, bias=False), nn.BatchNorm2d(o)
            self.conv2, self.bn2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        self.downsample = None if i == o and s == 1 else cbr(i, o, 1, s, act=None)

    def forward(self, x: Any) -> Any:
        identity = x if self.downsample is None else self.downsample(x)
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        if self.bottleneck:
            y = self.bn3(self.conv3(self.relu(y)))
        y += identity
        return self.relu(y)


class ResNet(nn.Module):
    def __init__(self, *, bottleneck: bool) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 7, 2, 3, bias=False), nn.BatchNorm2d(16)
        self.relu, self.maxpool = nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)
        self.layer1 = nn.Sequential(Residual(16, 16, 1, bottleneck=bottleneck))
        self.layer2 = nn.Sequential(
            Residual(16, 32, 2, bottleneck=bottleneck), Residual(32, 32, 1, bottleneck=bottleneck)
        )
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(32, CLASSES)

    def forward(self, x: Any) -> Any:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer2(self.layer1(x))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class VGG(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(True), nn.MaxPool2d(2, 2),
            nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(True),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(True), nn.MaxPool2d(2, 2),
        )  # fmt: skip
        self.avgpool = nn.AdaptiveAvgPool2d((4, 4))
        self.classifier = nn.Sequential(
            nn.Linear(512, 24), nn.ReLU(True), nn.Dropout(), nn.Linear(24, CLASSES)
        )

    def forward(self, x: Any) -> Any:
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


class DenseLayer(nn.Module):
    """Norm before convolution: a batch norm that no exporter can fold."""

    def __init__(self, i: int) -> None:
        super().__init__()
        self.norm1, self.relu1 = nn.BatchNorm2d(i), nn.ReLU(inplace=True)
        self.conv1, self.norm2 = nn.Conv2d(i, 16, 1, bias=False), nn.BatchNorm2d(16)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(16, 8, 3, padding=1, bias=False)

    def forward(self, features: list[Any]) -> Any:
        x = self.conv1(self.relu1(self.norm1(torch.cat(features, 1))))
        return self.conv2(self.relu2(self.norm2(x)))


class DenseBlock(nn.ModuleDict):
    def __init__(self, i: int, layers: int) -> None:
        super().__init__({f"denselayer{n + 1}": DenseLayer(i + 8 * n) for n in range(layers)})

    def forward(self, x: Any) -> Any:
        features = [x]
        for layer in self.values():
            features.append(layer(features))
        return torch.cat(features, 1)


class DenseNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential()
        self.features.add_module("conv0", nn.Conv2d(3, 16, 3, 2, 1, bias=False))
        self.features.add_module("norm0", nn.BatchNorm2d(16))
        self.features.add_module("relu0", nn.ReLU(inplace=True))
        self.features.add_module("denseblock1", DenseBlock(16, 2))
        transition = [nn.BatchNorm2d(32), nn.ReLU(inplace=True), nn.Conv2d(32, 16, 1, bias=False)]
        self.features.add_module("transition1", nn.Sequential(*transition, nn.AvgPool2d(2, 2)))
        self.features.add_module("denseblock2", DenseBlock(16, 2))
        self.features.add_module("norm5", nn.BatchNorm2d(32))
        self.relu, self.classifier = nn.ReLU(inplace=True), nn.Linear(32, CLASSES)

    def forward(self, x: Any) -> Any:
        x = self.relu(self.features(x))
        return self.classifier(torch.flatten(F.adaptive_avg_pool2d(x, (1, 1)), 1))


class Mixed(nn.Module):
    """Inception's branches: 1x1, factorised 7x7, double 3x3 and a pooled one."""

    def __init__(self, i: int, *, include_pad: bool) -> None:
        super().__init__()
        self.branch1x1 = cbr(i, 8, 1)
        self.branch7x7 = nn.Sequential(cbr(i, 8, 1), cbr(8, 8, (1, 5)), cbr(8, 8, (5, 1)))
        self.branch3x3 = nn.Sequential(cbr(i, 8, 1), cbr(8, 8))
        self.pool = nn.AvgPool2d(3, 1, 1, count_include_pad=include_pad)
        self.branch_pool = cbr(i, 8, 1)

    def forward(self, x: Any) -> Any:
        pooled = self.branch_pool(self.pool(x))
        return torch.cat([self.branch1x1(x), self.branch7x7(x), self.branch3x3(x), pooled], 1)


class Reduction(nn.Module):
    def __init__(self, i: int) -> None:
        super().__init__()
        self.branch3x3 = nn.Conv2d(i, 16, 3, 2, bias=True)
        self.pool = nn.MaxPool2d(3, 2)

    def forward(self, x: Any) -> Any:
        return torch.cat([F.relu(self.branch3x3(x)), self.pool(x)], 1)


class Inception(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = cbr(3, 16, 3, 2)
        self.maxpool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.mixed1 = Mixed(16, include_pad=True)
        self.reduction = Reduction(32)
        self.mixed2 = Mixed(48, include_pad=False)
        self.fc = nn.Linear(32, CLASSES)

    def forward(self, x: Any) -> Any:
        channels = [x[:, k : k + 1] * (0.4 + k / 10) + (k - 1) / 10 for k in range(3)]
        x = self.maxpool(self.stem(torch.cat(channels, 1)))
        x = self.mixed2(self.reduction(self.mixed1(x)))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, (1, 1)), 1))


class SqueezeExcite(nn.Module):
    def __init__(self, c: int, inner: Any, gate: Any) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1, self.fc2 = nn.Conv2d(c, c // 4, 1), nn.Conv2d(c // 4, c, 1)
        self.activation, self.scale_activation = inner(), gate()

    def forward(self, x: Any) -> Any:
        scale = self.activation(self.fc1(self.avgpool(x)))
        return x * self.scale_activation(self.fc2(scale))


class Inverted(nn.Module):
    """An inverted residual: expand, depthwise, squeeze-and-excite or not, project."""

    def __init__(self, i: int, o: int, k: int, s: int, act: Any, gate: Any = None) -> None:
        super().__init__()
        squeeze = [] if gate is None else [SqueezeExcite(2 * i, *gate)]
        self.block = nn.Sequential(
            cbr(i, 2 * i, 1, act=act),
            cbr(2 * i, 2 * i, k, s, g=2 * i, act=act),
            *squeeze,
            cbr(2 * i, o, 1, act=None),
        )
        self.residual = s == 1 and i == o

    def forward(self, x: Any) -> Any:
        return x + self.block(x) if self.residual else self.block(x)


class MobileNet(nn.Module):
    """MobileNetV2, V3 and EfficientNet by their activation and gate."""

    def __init__(self, act: Any, gate: Any = None, head: Any = None) -> None:
        super().__init__()
        self.features = nn.Sequential(
            cbr(3, 16, 3, 2, act=act),
            Inverted(16, 16, 3, 1, act, gate),
            Inverted(16, 24, 5, 2, act, gate),
            Inverted(24, 24, 3, 1, act, gate),
            cbr(24, 48, 1, act=act),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        inner = [] if head is None else [nn.Linear(48, 48), head()]
        self.classifier = nn.Sequential(*inner, nn.Dropout(0.2), nn.Linear(48, CLASSES))

    def forward(self, x: Any) -> Any:
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


class Fire(nn.Module):
    def __init__(self, i: int) -> None:
        super().__init__()
        self.squeeze, self.activation = nn.Conv2d(i, 8, 1), nn.ReLU(inplace=True)
        self.expand1x1, self.expand3x3 = nn.Conv2d(8, 16, 1), nn.Conv2d(8, 16, 3, padding=1)

    def forward(self, x: Any) -> Any:
        x = self.activation(self.squeeze(x))
        return torch.cat([F.relu(self.expand1x1(x)), F.relu(self.expand3x3(x))], 1)


class SqueezeNet(nn.Module):
    """The head is a map of classes, pooled."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 16, 3, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, ceil_mode=True),
            Fire(16), Fire(32),
        )  # fmt: skip
        self.classifier = nn.Sequential(
            nn.Dropout(), nn.Conv2d(32, CLASSES, 1), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1)
        )

    def forward(self, x: Any) -> Any:
        return torch.flatten(self.classifier(self.features(x)), 1)
