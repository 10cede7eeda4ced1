"""Small seeded detectors that end exactly as deployed ones do: one neck, many formats of output."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn

K = 5
"""Classes."""
STRIDES = (4, 8)
SIDE = 64
KEPT = 20


def block(inner: int, outer: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inner, outer, 3, stride, 1), nn.SiLU())


class Neck(nn.Module):
    """[N, 3, H, W] -> maps of both strides, that know one another."""

    def __init__(self, c: int = 8) -> None:
        super().__init__()
        self.a, self.b, self.c = block(3, c, 2), block(c, c, 2), block(c, c, 2)
        self.up, self.d = nn.Upsample(scale_factor=2), block(2 * c, c)
        self.e, self.f = block(c, c, 2), block(2 * c, c)

    def forward(self, x):
        b = self.b(self.a(x))
        c = self.c(b)
        d = self.d(torch.cat([b, self.up(c)], 1))
        return [d, self.f(torch.cat([c, self.e(d)], 1))]


class Heads(nn.Module):
    """Of each scale a map of `count` numbers, made by two convolutions."""

    def __init__(self, count: int, c: int = 8, spread: float = 1.0) -> None:
        super().__init__()
        self.each = nn.ModuleList(
            nn.Sequential(block(c, c), nn.Conv2d(c, count, 1)) for _ in STRIDES
        )
        for head in self.each:
            head[-1].weight.data *= spread

    def forward(self, maps):
        return [head(m) for head, m in zip(self.each, maps, strict=True)]


class Detector(nn.Module):
    """A neck and heads by name: `scores=5` makes `self.scores` with 5 numbers an anchor."""

    def __init__(self, **heads: int) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.neck = Neck()
        for name, count in heads.items():
            setattr(self, name, Heads(count, spread=6.0 if name in ("scores", "objects") else 2.0))
        self.maps: list[Any] = []

    def features(self, x):
        """The ends of the neck, kept to be differentiated by."""
        self.maps = self.neck(x)
        return self.maps


def flat(maps):
    """[N, C, A] over all scales."""
    return torch.cat([m.flatten(2) for m in maps], 2)


def rows(m, count: int):
    """[N, A, count] of a map, the anchors of a cell beside one another."""
    return m.permute(0, 2, 3, 1).reshape(m.shape[0], -1, count)


def points(maps):
    """Centres of cells [2, A], and strides [1, A]."""
    found, strides = [], []
    for m, stride in zip(maps, STRIDES, strict=True):
        h, w = m.shape[2:]
        y, x = torch.meshgrid(torch.arange(h) + 0.5, torch.arange(w) + 0.5, indexing="ij")
        found.append(torch.stack([x, y]).reshape(2, -1).float())
        strides.append(torch.full((1, h * w), float(stride)).float())
    return torch.cat(found, 1), torch.cat(strides, 1)


class Ultralytics(Detector):
    """[N, 4 + K + extra, A]: boxes cx cy w h in pixels, probabilities, perhaps more."""

    def __init__(self, extra: int = 0) -> None:
        super().__init__(scores=K, boxes=4, **({"extra": extra} if extra else {}))

    def corners(self, x):
        """Corners [N, 4, A] in pixels, logits [N, K, A]."""
        maps = self.features(x)
        centre, stride = points(maps)
        low, high = nn.functional.softplus(flat(self.boxes(maps))).chunk(2, 1)
        return torch.cat([centre - low, centre + high], 1) * stride, flat(self.scores(maps))

    def forward(self, x):
        corners, logits = self.corners(x)
        low, high = (corners / 4).chunk(2, 1)
        boxes = torch.cat([(low + high) / 2, high - low], 1) * 4
        found = torch.cat([boxes, logits.sigmoid()], 1)
        if not hasattr(self, "extra"):
            return found
        return torch.cat([found, flat(self.extra(self.maps))], 1)


class Joined(Detector):
    """[N, A, 5 + K] as YOLOv5 has it: the Sigmoid of all, taken apart, decoded, joined."""

    def __init__(self) -> None:
        super().__init__()
        self.all = nn.ModuleList(nn.Conv2d(8, 5 + K, 1) for _ in STRIDES)

    def forward(self, x):
        maps, found = self.features(x), []
        for head, ends, stride in zip(self.all, maps, STRIDES, strict=True):
            m, (h, w) = head(ends), ends.shape[2:]
            y, c = torch.meshgrid(torch.arange(h) - 0.5, torch.arange(w) - 0.5, indexing="ij")
            grid = torch.stack([c, y], -1).float()
            xy, wh, scored = m.permute(0, 2, 3, 1).sigmoid().split((2, 2, 1 + K), 3)
            xy, wh = (xy * 2 + grid) * stride, (wh * 2) ** 2 * (3 * stride)
            found.append(torch.cat((xy, wh, scored), 3).reshape(m.shape[0], -1, 5 + K))
        return torch.cat(found, 1)


class Undecoded(Detector):
    """A map [N, 3, h, w, 5 + K] a scale as YOLOv5 without its grid: logits, decoded outside."""

    def __init__(self) -> None:
        super().__init__()
        sizes = "[[[6, 9], [14, 8], [11, 20]], [[25, 17], [30, 41], [60, 38]]]"
        self.metadata = {"anchors": sizes}
        self.all = nn.ModuleList(nn.Conv2d(8, 3 * (5 + K), 1) for _ in STRIDES)
        for head in self.all:
            head.weight.data *= 6

    def made(self, x):
        return [head(ends) for head, ends in zip(self.all, self.features(x), strict=True)]

    def forward(self, x):
        apart = [m.view(len(x), 3, 5 + K, *m.shape[2:]) for m in self.made(x)]
        return tuple(m.permute(0, 1, 3, 4, 2).contiguous() for m in apart)


class UndecodedMaps(Undecoded):
    """The convolutions' own [N, 3 (5 + K), h, w], the Sigmoid of all inside (RKNN)."""

    def forward(self, x):
        return tuple(m.sigmoid() for m in self.made(x))


class Darknet(Undecoded):
    """The convolutions' own maps with nothing applied, the coarse one first (YOLOv3)."""

    def forward(self, x):
        return tuple(reversed(self.made(x)))


class EndToEnd(Ultralytics):
    """[N, 20, 6] as YOLOv10 and 26: corners, score, class; the best by TopK, twice."""

    def forward(self, x):
        corners, logits = self.corners(x)
        boxes, scores = corners.transpose(1, 2), logits.sigmoid().transpose(1, 2)
        index = scores.amax(-1).topk(KEPT)[1].unsqueeze(-1)
        boxes = boxes.gather(1, index.repeat(1, 1, 4))
        scores, index = scores.gather(1, index.repeat(1, 1, K)).flatten(1).topk(KEPT)
        i = torch.arange(len(x))[..., None]
        label = (index % K)[..., None].float()
        return torch.cat([boxes[i, index // K], scores[..., None], label], -1)


class TurnedEndToEnd(EndToEnd):
    """[N, 20, 7] as YOLO26 -obb: centre, size, score, class, angle."""

    def __init__(self) -> None:
        Detector.__init__(self, scores=K, boxes=4, angles=1)

    def forward(self, x):
        corners, logits = self.corners(x)
        low, high = corners.chunk(2, 1)
        boxes = torch.cat([(low + high) / 2, high - low, flat(self.angles(self.maps))], 1)
        scores, index = logits.sigmoid().transpose(1, 2).flatten(1).topk(KEPT)
        kept = boxes.transpose(1, 2).gather(1, (index // K).unsqueeze(-1).repeat(1, 1, 5))
        label = (index % K)[..., None].float()
        return torch.cat([kept[..., :4], scores[..., None], label, kept[..., 4:]], -1)


class Multiplied(Ultralytics):
    """boxes [N, A, 1, 4] in parts, confs [N, A, K] as pytorch-YOLOv4: o p, multiplied inside."""

    def __init__(self) -> None:
        Detector.__init__(self, scores=K + 1, boxes=4)

    def forward(self, x):
        corners, logits = self.corners(x)
        p = logits.sigmoid().transpose(1, 2)
        return (corners.transpose(1, 2) / SIDE).unsqueeze(2), p[..., 1:] * p[..., :1]


class Transformerlike(EndToEnd):
    """labels, boxes, scores as RT-DETR's script has them, scaled by a second input."""

    def forward(self, x, orig_target_sizes):
        corners, logits = self.corners(x)
        boxes = corners.transpose(1, 2) / SIDE * orig_target_sizes.repeat(1, 2).unsqueeze(1)
        scores, index = logits.sigmoid().transpose(1, 2).flatten(1).topk(KEPT)
        labels, index = index % K, index // K
        return labels, boxes.gather(1, index.unsqueeze(-1).repeat(1, 1, 4)), scores


class TensorFlow(EndToEnd):
    """detection_boxes ymin xmin ymax xmax in parts, _classes as floats, _scores, num_detections."""

    def forward(self, x):
        found = super().forward(x)
        boxes = found[..., [1, 0, 3, 2]] / SIDE
        count = torch.full((len(x),), float(KEPT))
        return boxes, found[..., 5] + 1, found[..., 4], count


class Deployed(EndToEnd):
    """dets [N, n, 5], labels [N, n] as mmdeploy has them."""

    def forward(self, x):
        corners, logits = self.corners(x)
        scores, index = logits.sigmoid().transpose(1, 2).flatten(1).topk(KEPT)
        boxes = corners.transpose(1, 2).gather(1, (index // K).unsqueeze(-1).repeat(1, 1, 4))
        return torch.cat([boxes, scores.unsqueeze(-1)], -1), index % K


class DeepStream(EndToEnd):
    """boxes [N, A, 4], scores [N, A, 1], classes [N, A, 1]: every anchor with its best class."""

    def forward(self, x):
        corners, logits = self.corners(x)
        scores, classes = logits.sigmoid().transpose(1, 2).max(2, keepdim=True)
        return corners.transpose(1, 2), scores, classes.float()


class Suppression(torch.autograd.Function):
    """Non-maximum suppression, exported as the operator."""

    @staticmethod
    def forward(ctx, boxes, scores, most):
        boxes, left, kept = boxes.detach().numpy(), list(np.argsort(-scores.detach().numpy())), []
        while left:
            a, *left = left
            kept.append(int(a))
            left = [b for b in left if overlap(boxes[a], boxes[b]) <= most]
        return torch.tensor(kept, dtype=torch.long)

    @staticmethod
    def symbolic(g, boxes, scores, most):
        from torch.onnx import symbolic_helper as helper

        boxes = helper._unsqueeze_helper(g, boxes, [0])
        scores = helper._unsqueeze_helper(g, helper._unsqueeze_helper(g, scores, [0]), [0])
        count = g.op("Constant", value_t=torch.tensor([1000], dtype=torch.long))
        least = g.op("Constant", value_t=torch.tensor([most], dtype=torch.float))
        found = g.op("NonMaxSuppression", boxes, scores, count, least)
        found = helper._slice_helper(g, found, axes=[1], starts=[2], ends=[3])
        return helper._squeeze_helper(g, found, [1])


def overlap(a, b) -> float:
    """Intersection over union, by hand."""
    across = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    down = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - across * down
    return across * down / both if both > 0 else 0.0


class Suppressed(Ultralytics):
    """[N, 200, 6] as Ultralytics' nms=True: what remains, and rows of zeros after it."""

    most = 200

    def kept(self, x):
        corners, logits = self.corners(x)
        boxes, scores = corners[0].T, logits[0].sigmoid().T
        scores, labels = scores.max(-1)
        likely = scores > 0.25
        boxes, scores, labels = boxes[likely], scores[likely], labels[likely]
        apart = boxes / (K * SIDE) + labels.view(labels.shape[0], 1).expand(labels.shape[0], 4) / K
        kept = Suppression.apply(apart, scores, 0.7)[: self.most]
        return boxes[kept], scores[kept], labels[kept]

    def forward(self, x):
        out = torch.zeros(x.shape[0], self.most, 6)
        boxes, scores, labels = self.kept(x)
        found = torch.cat([boxes, scores.view(-1, 1), labels.view(-1, 1).to(out.dtype)], -1)
        out[0] = nn.functional.pad(found, (0, 0, 0, self.most - found.shape[0]))
        return out[: x.shape[0]]


class Unbatched(Suppressed):
    """boxes [n, 4], labels [n], scores [n] as torchvision's detectors: no axis of rows."""

    def forward(self, x):
        boxes, scores, labels = self.kept(x)
        return boxes, labels, scores


class Numbered(Suppressed):
    """[n, 7] as YOLOv7's --end2end: number of the picture, corners, class, score."""

    def forward(self, x):
        boxes, scores, labels = self.kept(x)
        picture = torch.zeros_like(labels).view(-1, 1).float()
        return torch.cat([picture, boxes, labels.view(-1, 1).float(), scores.view(-1, 1)], 1)


class SCRFD(Detector):
    """Three outputs a scale: probabilities, distances in strides, keypoints; two anchors a cell."""

    def __init__(self) -> None:
        super().__init__(scores=2, boxes=8, points=20)

    def forward(self, x):
        maps = self.features(x)
        scores = [rows(m, 1).sigmoid() for m in self.scores(maps)]
        boxes = [rows(m, 4) + 1 for m in self.boxes(maps)]
        return (*scores, *boxes, *(rows(m, 10) for m in self.points(maps)))


class OldSCRFD(SCRFD):
    """The same without an axis of rows, as InsightFace's own files."""

    def forward(self, x):
        maps = self.features(x)

        def listed(made, count: int):
            return [m.permute(2, 3, 0, 1).reshape(-1, count) for m in made]

        scores = [m.sigmoid() for m in listed(self.scores(maps), 1)]
        boxes = [m + 1 for m in listed(self.boxes(maps), 4)]
        return (*scores, *boxes, *listed(self.points(maps), 10))


class YuNet(Detector):
    """Four outputs a scale: class, objectness, offsets in cells with logarithms, keypoints."""

    def __init__(self) -> None:
        super().__init__(scores=1, objects=1, boxes=4, points=10)

    def forward(self, x):
        maps = self.features(x)
        scored = [rows(m, 1).sigmoid() for m in (*self.scores(maps), *self.objects(maps))]
        boxes = [rows(m, 4) for m in self.boxes(maps)]
        return (*scored, *boxes, *(rows(m, 10) for m in self.points(maps)))


class BlazeFace(Detector):
    """regressors [N, A, 16], classificators [N, A, 1]: two anchors a fine cell, then six."""

    def __init__(self) -> None:
        super().__init__()
        self.scores = nn.ModuleList(nn.Conv2d(8, n, 1) for n in (2, 6))
        self.boxes = nn.ModuleList(nn.Conv2d(8, 16 * n, 1) for n in (2, 6))

    def forward(self, x):
        maps = self.features(x)

        def listed(heads, count: int):
            each = zip(heads, maps, strict=True)
            return torch.cat([rows(head(m), count) for head, m in each], 1)

        return listed(self.boxes, 16) * 8, listed(self.scores, 1) * 30


class Split(Detector):
    """Three maps a scale as for RKNN: distributions of 16 bins, probabilities, their sum."""

    def __init__(self) -> None:
        super().__init__(scores=K, boxes=64)

    def forward(self, x):
        maps, found = self.features(x), []
        for box, score in zip(self.boxes(maps), self.scores(maps), strict=True):
            p = score.sigmoid()
            found += [box, p, torch.clamp(p.sum(1, keepdim=True), 0, 1)]
        return tuple(found)


def export(
    net: nn.Module,
    inputs: tuple[Any, ...],
    given: Sequence[str],
    outputs: Sequence[str],
    free: Any = None,
) -> onnx.ModelProto:
    """As most of these files were made: by the older exporter; `free` axes have names."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that it is old, and what is traced
        torch.onnx.export(
            net.eval(),
            inputs,
            file,
            dynamo=False,
            opset_version=17,
            input_names=list(given),
            output_names=list(outputs) or None,
            dynamic_axes=free,
        )
    return onnx.load_from_string(file.getvalue())
