"""A small seeded YOLOv3 that ends as the one of keras-yolo3 in the ONNX model zoo does."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import nn

from tests.models.detectors import K, block, export

SIDE = 96
STRIDES = (32, 16, 8)
"""Coarse maps first."""
SIZES = {32: [(60, 50), (70, 90), (90, 80)], 16: [(30, 40), (45, 30), (40, 60)],
         8: [(10, 13), (16, 30), (33, 23)]}  # fmt: skip
NAMES = [f"yolonms_layer_1/{name}:0" for name in ("ExpandDims_1", "ExpandDims_3", "concat_2")]


class KerasYolo(nn.Module):
    """boxes [1, A, 4] y before x in pixels of the photo, scores [1, K, A] o p."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(9)
        self.stem = nn.Sequential(block(3, 8, 2), block(8, 8, 2))
        self.down = nn.ModuleList(block(8, 8, 2) for _ in STRIDES)
        self.ends = nn.ModuleList(block(8, 8) for _ in STRIDES)
        self.heads = nn.ModuleList(nn.Conv2d(8, 3 * (5 + K), 1) for _ in STRIDES)
        for head in self.heads:
            head.weight.data *= 12
        self.maps: list[Any] = []

    def forward(self, x: Any, image_shape: Any) -> Any:
        maps, h = [], self.stem(x)
        for down in self.down:
            h = down(h)
            maps.append(h)
        self.maps = [end(m) for end, m in zip(self.ends, reversed(maps), strict=True)]
        each = zip(self.heads, self.maps, STRIDES, strict=True)
        size = torch._shape_as_tensor(x)[2:].to(x)
        decoded = [self.decode(head(m), s, image_shape[0], size) for head, m, s in each]
        boxes, scores = (torch.cat(parts) for parts in zip(*decoded, strict=True))
        return boxes[None], scores.t()[None]

    def decode(self, y: Any, stride: int, photo: Any, size: Any) -> Any:
        """yolo_head, yolo_correct_boxes and yolo_boxes_and_scores of its model.py, letterboxed."""
        height, width = y.shape[2:]
        y = y.permute(0, 2, 3, 1).reshape(-1, height, width, 3, 5 + K)
        row, column = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        cell = torch.stack([column, row], -1)[None, :, :, None].to(y.dtype)
        xy = (y[..., :2].sigmoid() + cell) * stride / size.flip(0)
        wh = y[..., 2:4].exp() * torch.tensor(SIZES[stride], dtype=y.dtype) / size.flip(0)
        new = (photo * (size / photo).min()).round()
        yx = (xy.flip(-1) - (size - new) / 2 / size) * (size / new)
        hw = wh.flip(-1) * (size / new)
        boxes = torch.cat([yx - hw / 2, yx + hw / 2], -1) * torch.cat([photo, photo])
        scores = y[..., 4:5].sigmoid() * y[..., 5:].sigmoid()
        return boxes.reshape(-1, 4), scores.reshape(-1, K)


def model(net: KerasYolo, x: Any, image_shape: Any) -> onnx.ModelProto:
    """With its NonMaxSuppression behind both, and the indices [n, 3] of what remains; any size."""
    free = {"input_1": {2: "h", 3: "w"}}
    made = export(net, (x, image_shape), ["input_1", "image_shape"], NAMES[:2], free)
    limits = {"most": np.array([20]), "overlap": np.float32([0.45]), "least": np.float32([0.6])}
    made.graph.initializer.extend(numpy_helper.from_array(v, n) for n, v in limits.items())
    made.graph.node.append(helper.make_node("NonMaxSuppression", [*NAMES[:2], *limits], NAMES[2:]))
    made.graph.output.append(helper.make_tensor_value_info(NAMES[2], 7, ["n", 3]))
    return made


class Darknet(nn.Module):
    """The maps [1, 3 (5 + classes), h, w] of Darknet's own file, coarse ones first, raw."""

    def __init__(self, classes: int, strides: tuple[int, ...]) -> None:
        super().__init__()
        torch.manual_seed(9)
        self.stem = nn.Sequential(block(3, 8, 2), block(8, 8, 2), block(8, 8, 2))
        self.count = len(strides)
        self.down = nn.ModuleList(block(8, 8, 2) for _ in range(2))
        self.ends = nn.ModuleList(block(8, 8) for _ in strides)
        self.heads = nn.ModuleList(nn.Conv2d(8, 3 * (5 + classes), 1) for _ in strides)
        for head in self.heads:
            head.weight.data *= 9
        self.maps: list[Any] = []

    def forward(self, x: Any) -> Any:
        maps = [self.stem(x)]
        for down in self.down:
            maps.append(down(maps[-1]))
        coarse_first = reversed(maps[-self.count :])
        self.maps = [end(m) for end, m in zip(self.ends, coarse_first, strict=True)]
        return tuple(head(m) for head, m in zip(self.heads, self.maps, strict=True))
