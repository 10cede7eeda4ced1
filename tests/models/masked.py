"""Small seeded detectors whose files select the boxes and give a mask each, rows of pictures first.

As mmdeploy's instance segmentation and TensorFlow's Object Detection API do.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tests.models.detectors import KEPT, SIDE, EndToEnd, K, flat

CELLS = 6
"""Along a mask."""


class Masked(EndToEnd):
    """Scores, boxes, labels and logits [N, n, K, h, w] of the best boxes of each picture."""

    def __init__(self) -> None:
        super().__init__()
        self.draw = nn.Linear(8, K * CELLS**2)
        self.draw.weight.data *= 8
        self.drawn: Any = None

    def best(self, x: Any) -> tuple[Any, Any, Any, Any]:
        corners, logits = self.corners(x)
        scores, index = logits.sigmoid().transpose(1, 2).flatten(1).topk(KEPT)
        labels, index = index % K, (index // K).unsqueeze(-1)
        boxes = corners.transpose(1, 2).gather(1, index.repeat(1, 1, 4))
        features = flat(self.maps).transpose(1, 2).gather(1, index.repeat(1, 1, 8))
        self.drawn = self.draw(features).view(x.shape[0], KEPT, K, CELLS, CELLS)
        return scores, boxes, labels, self.drawn


class Deployed(Masked):
    """dets [N, n, 5], labels [N, n], masks [N, n, h, w]: all classes' sigmoids, then its own."""

    def masks(self, labels: Any, drawn: Any) -> Any:
        each = drawn.flatten(0, 1).sigmoid()
        own = each[torch.arange(each.shape[0]), labels.flatten()]
        return own.view(-1, KEPT, CELLS, CELLS)

    def forward(self, x: Any) -> Any:
        scores, boxes, labels, drawn = self.best(x)
        dets = torch.cat([boxes, scores.unsqueeze(-1)], -1)
        return dets, labels, self.masks(labels, drawn)


class Pasted(Deployed):
    """The same with masks [N, n, H, W] of yes and no, pasted into the picture."""

    def forward(self, x: Any) -> Any:
        dets, labels, masks = super().forward(x)
        low, high = dets[..., :4].flatten(0, 1)[:, None].chunk(2, -1)
        at = torch.arange(SIDE, dtype=x.dtype) + 0.5
        across, down = ((2 * (at - low[..., i]) / (high - low)[..., i]) - 1 for i in (0, 1))
        shape = (-1, SIDE, SIDE)
        grid = torch.stack([across[:, None].expand(shape), down[..., None].expand(shape)], 3)
        one = masks.flatten(0, 1)[:, None]
        whole = nn.functional.grid_sample(one, grid, align_corners=False)
        return dets, labels, whole[:, 0].view(x.shape[0], KEPT, SIDE, SIDE) >= 0.5


class TensorFlow(Masked):
    """detection_boxes, _classes, _scores, _masks [N, n, h, w]: the own logit, then its sigmoid."""

    def forward(self, x: Any) -> Any:
        scores, boxes, labels, drawn = self.best(x)
        one = labels[:, :, None, None, None].expand(-1, -1, 1, CELLS, CELLS)
        masks = drawn.gather(2, one).squeeze(2).sigmoid()
        count = torch.full((len(x),), float(KEPT))
        return boxes[..., [1, 0, 3, 2]] / SIDE, (labels + 1).float(), scores, masks, count
