"""A small seeded detector of two stages, that ends as torchvision's Mask and Keypoint R-CNN do."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor, nn

from tests.models.detectors import SIDE, K, Neck, Suppression

BINS, POINTS, GRID = 4, 3, 8
FINE, COARSE = 4, 8
LARGE = 30.0
"""Regions with longer sides are read at the coarse scale."""
GAIN = 3.0
"""So that regions differ."""
PROPOSALS = [
    *([2.0, 3, 22, 25], [30, 8, 52, 29], [8, 34, 27, 60]),
    *([40, 36, 61, 58], [20, 20, 44, 43], [34, 9, 55, 31]),
]


class Pooled(torch.autograd.Function):
    """RoiAlign, exported as the operator."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, rois: Tensor, stride: int) -> Tensor:
        return pooled(x, rois, stride)

    @staticmethod
    def symbolic(g: Any, x: Any, rois: Any, stride: int) -> Any:
        from torch.onnx import symbolic_helper as helper

        count = g.op("Shape", rois)
        first = g.op("Constant", value_t=torch.tensor([0]))
        count = g.op("Gather", count, first, axis_i=0)
        batch = g.op("ConstantOfShape", count, value_t=torch.tensor([0]))
        made = g.op(
            "RoiAlign", x, rois, batch, output_height_i=BINS, output_width_i=BINS,
            sampling_ratio_i=1, spatial_scale_f=1 / stride,
        )  # fmt: skip
        shape = [None, helper._get_tensor_dim_size(x, 1), BINS, BINS]
        return made.setType(x.type().with_sizes(shape))


def pooled(x: Tensor, rois: Tensor, stride: int) -> Tensor:
    """The middle of each bin, bilinear; the regions are held, as in training."""
    low, high = (rois.detach() / stride - 0.5).chunk(2, 1)
    steps = (torch.arange(BINS, dtype=x.dtype) + 0.5) / BINS
    at = low[:, None] + (high - low)[:, None] * steps[None, :, None]  # [R, BINS, 2]
    limits = torch.tensor([x.shape[3] - 1, x.shape[2] - 1], dtype=x.dtype)
    across, down = (2 * at / limits - 1).unbind(2)
    grid = torch.stack(
        [across[:, None].expand(-1, BINS, -1), down[..., None].expand(-1, -1, BINS)], 3
    )
    every = x.expand(len(rois), -1, -1, -1)
    return nn.functional.grid_sample(every, grid, padding_mode="border", align_corners=True)


def scripted(function: Any) -> Any:
    """With its loop, which the older exporter keeps as one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that it is old
        return torch.jit.script(function)


@scripted
def pasted(masks: Tensor, side: int) -> Tensor:
    """[n, 1, h, w] -> [n, 1, side, side], one after the other."""
    found = torch.zeros(0, 1, side, side)
    for i in range(masks.size(0)):
        one = nn.functional.interpolate(masks[i : i + 1], size=(side, side), mode="bilinear")
        found = torch.cat((found, one.to(torch.float32)), 0)
    return found


@scripted
def largest(heats: Tensor) -> Tensor:
    """[n, P, h, w] -> [n, P]: the largest number of each map, one box after the other."""
    found = torch.zeros(0, 3)
    for i in range(heats.size(0)):
        flat = heats[i].reshape(heats.size(1), -1)
        best = flat.max(1)[0].to(torch.float32)
        found = torch.cat((found, best.unsqueeze(0)), 0)
    return found


class TwoStage(nn.Module):
    """A picture [3, H, W] -> boxes [n, 4], labels [n], scores [n], and what `ending` says."""

    def __init__(self, ending: str = "masks") -> None:
        super().__init__()
        torch.manual_seed(11)
        self.neck, self.ending = Neck(), ending
        self.proposals = nn.Parameter(torch.tensor(PROPOSALS))
        self.move = nn.Conv2d(8, 4, 1)
        self.classify, self.locate = nn.Linear(8 * BINS**2, K + 1), nn.Linear(8 * BINS**2, 4)
        self.classify.weight.data *= 18
        self.enlarge = nn.ConvTranspose2d(8, 8, 2, 2)
        self.draw = nn.Conv2d(8, POINTS if ending == "keypoints" else K + 1, 1)
        self.draw.weight.data *= 6
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and module is not self.move:
                module.weight.data *= GAIN
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                module.bias.data *= 0
        self.maps: list[Any] = []
        self.drawn: Any = None

    def pool(self, maps: Any, rois: Tensor) -> Tensor:
        """Each region at its scale; at the coarse one there may be none."""
        pool = Pooled.apply if torch.onnx.is_in_onnx_export() else pooled
        large = (rois[:, 2:] - rois[:, :2]).amax(1) > LARGE
        out = torch.zeros(rois.shape[0], 8, BINS, BINS, dtype=maps[0].dtype)
        for which, m, stride in ((~large, maps[0], FINE), (large, maps[1], COARSE)):
            at = torch.where(which)[0]
            index = at.view(-1, 1, 1, 1).expand(-1, 8, BINS, BINS)
            out = out.scatter(0, index, pool(m, rois[at], stride))
        return out

    def forward(self, x: Tensor) -> Any:
        self.maps = self.neck(x[None])
        moved = self.move(self.maps[0]).mean((2, 3)).tanh()
        rois = self.proposals + moved
        features = self.pool(self.maps, rois).flatten(1)
        p = self.classify(features).softmax(1)[:, 1:]
        scores, labels = p.max(1)
        boxes = (rois + self.locate(features)).clamp(0, SIDE)
        kept = Suppression.apply(boxes, scores, 0.5)
        boxes, scores, labels = boxes[kept], scores[kept], labels[kept] + 1
        self.drawn = self.draw(self.enlarge(self.pool(self.maps, boxes)).relu())
        if self.ending == "keypoints":
            return boxes, labels, scores, largest(self.drawn)
        own = self.drawn.sigmoid()[torch.arange(labels.shape[0]), labels][:, None]
        own = own if self.ending == "masks" else pasted(nn.functional.pad(own, (1, 1, 1, 1)), SIDE)
        return boxes, labels, scores, own
