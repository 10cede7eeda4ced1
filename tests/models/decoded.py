"""The best box of each format of output, decoded as loops by what its own tools do."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, sqrt
from typing import Any

import numpy as np
import torch

from tests.models.detectors import SIDE, STRIDES, K

Found = tuple[int, int, tuple[float, ...]]
"""(class, anchor, corners)"""


def turned(cx: float, cy: float, w: float, h: float, angle: float) -> tuple[float, ...]:
    """The upright box round one that is turned: its four corners, one by one."""
    xs, ys = [], []
    for dx, dy in ((-w, -h), (-w, h), (w, -h), (w, h)):
        xs.append(cx + dx / 2 * np.cos(angle) - dy / 2 * np.sin(angle))
        ys.append(cy + dx / 2 * np.sin(angle) + dy / 2 * np.cos(angle))
    return min(xs), min(ys), max(xs), max(ys)


def channels_first(outputs: Sequence[Any], *, angle: bool = False) -> Found:
    (y,) = outputs[:1]
    best = max((float(y[0, 4 + c, a]), c, a) for c in range(K) for a in range(y.shape[2]))
    _, c, a = best
    cx, cy, w, h = (float(v) for v in y[0, :4, a])
    return c, a, turned(cx, cy, w, h, float(y[0, 4 + K, a]) if angle else 0.0)


def multiplied(outputs: Sequence[Any]) -> Found:
    boxes, scores = outputs
    best = max((float(p), c, a) for a, row in enumerate(scores[0]) for c, p in enumerate(row))
    _, c, a = best
    return c, a, tuple(SIDE * float(v) for v in boxes[0, a, 0])


def joined(outputs: Sequence[Any]) -> Found:
    (y,) = outputs
    best = max((float(r[4] * r[5 + c]), c, a) for a, r in enumerate(y[0]) for c in range(K))
    _, c, a = best
    return c, a, turned(*(float(v) for v in y[0, a, :4]), 0.0)


def first_row(outputs: Sequence[Any]) -> Found:
    (y,) = outputs
    return int(y[0, 0, 5]), 0, tuple(float(v) for v in y[0, 0, :4])


def turned_row(outputs: Sequence[Any]) -> Found:
    (y,) = outputs
    return int(y[0, 0, 5]), 0, turned(*(float(v) for v in (*y[0, 0, :4], y[0, 0, 6])))


def labels_first(outputs: Sequence[Any]) -> Found:
    labels, boxes, _ = outputs
    return int(labels[0, 0]), 0, tuple(float(v) for v in boxes[0, 0])


def tensorflow(outputs: Sequence[Any]) -> Found:
    top, left, bottom, right = (float(v) * SIDE for v in outputs[0][0, 0])
    return int(outputs[1][0, 0]), 0, (left, top, right, bottom)


def unbatched(outputs: Sequence[Any]) -> Found:
    boxes, labels, _ = outputs
    return int(labels[0]), 0, tuple(float(v) for v in boxes[0])


def numbered(outputs: Sequence[Any]) -> Found:
    (y,) = outputs
    return int(y[0, 5]), 0, tuple(float(v) for v in y[0, 1:5])


def deployed(outputs: Sequence[Any]) -> Found:
    dets, labels = outputs
    return int(labels[0, 0]), 0, tuple(float(v) for v in dets[0, 0, :4])


def deepstream(outputs: Sequence[Any]) -> Found:
    boxes, scores, classes = outputs
    _, a = max((float(p), a) for a, (p,) in enumerate(scores[0]))
    return int(classes[0, a, 0]), a, tuple(float(v) for v in boxes[0, a])


def places(each: int) -> list[tuple[int, int, int]]:
    """(column, row, stride) of every anchor."""
    return [
        (column, row, stride)
        for stride in STRIDES
        for row in range(SIDE // stride)
        for column in range(SIDE // stride)
        for _ in range(each)
    ]


SIZES = [[(6, 9), (14, 8), (11, 20)], [(25, 17), (30, 41), (60, 38)]]


def undecoded(outputs: Sequence[Any], *, applied: bool = False) -> Found:
    """Ultralytics' YOLOv5, models/yolo.py: anchors of a cell in maps of their own, in sigmoids."""
    found, a = [], 0
    for y, stride, sizes in zip(outputs, STRIDES, SIZES, strict=True):
        side = SIDE // stride
        maps = y[0].reshape(3, 5 + K, side, side) if applied else y[0].permute(0, 3, 1, 2)
        for numbers, (w, h) in zip(maps, sizes, strict=True):
            p = numbers if applied else torch.sigmoid(numbers)
            for row in range(side):
                for column in range(side):
                    tx, ty, tw, th, o, *classes = (float(v) for v in p[:, row, column])
                    x, y_ = (column + 2 * tx - 0.5) * stride, (row + 2 * ty - 0.5) * stride
                    best = max(range(K), key=classes.__getitem__)
                    box = turned(x, y_, (2 * tw) ** 2 * w, (2 * th) ** 2 * h, 0.0)
                    found.append((o * classes[best], best, a, box))
                    a += 1
    return max(found)[1:]


def darknet(outputs: Sequence[Any]) -> Found:
    """Darknet's yolo_layer.c: (column + sigmoid x) stride, exp(w) anchor; the coarse map first."""
    found, a = [], 0
    for y, stride, sizes in zip(outputs, STRIDES[::-1], SIZES[::-1], strict=True):
        side = SIDE // stride
        for numbers, (w, h) in zip(y[0].reshape(3, 5 + K, side, side), sizes, strict=True):
            for row in range(side):
                for column in range(side):
                    tx, ty, tw, th, *rest = (float(v) for v in numbers[:, row, column])
                    o, *classes = (1 / (1 + exp(-v)) for v in rest)
                    x, y_ = (at + 1 / (1 + exp(-t)) for at, t in ((column, tx), (row, ty)))
                    best = max(range(K), key=classes.__getitem__)
                    box = turned(x * stride, y_ * stride, exp(tw) * w, exp(th) * h, 0.0)
                    found.append((o * classes[best], best, a, box))
                    a += 1
    return max(found)[1:]


def listed(outputs: Sequence[Any]) -> list[list[float]]:
    """The numbers of every anchor, scale after scale, with or without an axis of rows."""
    return [[float(v) for v in row] for y in outputs for row in y.reshape(-1, y.shape[-1])]


def scrfd(outputs: Sequence[Any]) -> Found:
    scores = [p for (p,) in listed(outputs[:2])]
    a = max(range(len(scores)), key=scores.__getitem__)
    column, row, stride = places(2)[a]
    left, top, right, bottom = listed(outputs[2:4])[a]
    return 0, a, (
        (column - left) * stride, (row - top) * stride,
        (column + right) * stride, (row + bottom) * stride,
    )  # fmt: skip


def yunet(outputs: Sequence[Any]) -> Found:
    pairs = zip(listed(outputs[:2]), listed(outputs[2:4]), strict=True)
    scores = [sqrt(c * o) for (c,), (o,) in pairs]
    a = max(range(len(scores)), key=scores.__getitem__)
    column, row, stride = places(1)[a]
    x, y, w, h = listed(outputs[4:6])[a]
    centre = (column + x) * stride, (row + y) * stride
    return 0, a, turned(*centre, exp(w) * stride, exp(h) * stride, 0.0)


def blazeface(outputs: Sequence[Any]) -> Found:
    boxes, scores = (part[0].tolist() for part in outputs)
    a = max(range(len(scores)), key=lambda i: scores[i][0])
    cells = []
    for stride, each in zip(STRIDES, (2, 6), strict=True):
        side = SIDE // stride
        cells += [(c, r, stride) for r in range(side) for c in range(side) for _ in range(each)]
    column, row, stride = cells[a]
    x, y, w, h = boxes[a][:4]
    return 0, a, turned((column + 0.5) * stride + x, (row + 0.5) * stride + y, w, h, 0.0)


def split(outputs: Sequence[Any]) -> Found:
    best = (-1.0, 0, 0, (0.0, 0.0, 0.0, 0.0))
    before = 0
    for box, score, stride in zip(outputs[::3], outputs[1::3], STRIDES, strict=True):
        _, _, height, width = score.shape
        for c in range(K):
            for row in range(height):
                for column in range(width):
                    p = float(score[0, c, row, column])
                    if p > best[0]:
                        sides = []
                        for side in range(4):
                            bins = [
                                exp(float(v))
                                for v in box[0, 16 * side : 16 * side + 16, row, column]
                            ]
                            sides.append(sum(i * b for i, b in enumerate(bins)) / sum(bins))
                        x, y = column + 0.5, row + 0.5
                        corners = (x - sides[0], y - sides[1], x + sides[2], y + sides[3])
                        anchor = before + row * width + column
                        best = (p, c, anchor, tuple(v * stride for v in corners))
        before += height * width
    return best[1:]


def queries(outputs: Sequence[Any], *, none: bool = False, first: int = 0) -> Found:
    """cx, cy, w, h in parts; the best class by a softmax with none last, or by itself."""
    logits, boxes = outputs[first][0], outputs[1 - first][0]
    likely = torch.softmax(logits, -1)[:, :-1] if none else torch.sigmoid(logits)
    a, c = divmod(int(likely.argmax()), likely.shape[1])
    return c, a, turned(*(SIDE * float(v) for v in boxes[a]), 0.0)
