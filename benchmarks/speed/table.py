"""The table: what is asked, of which model, the target, what was found, and the peers' figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .blocks import Spread
from .models import BY_KEY, DETECTORS, INT8
from .row import Key, Row

Rows = Mapping[Key, Row]
PEERS = ("pytorch-grad-cam", "torch-cam", "captum", "onnx-ad", "openvino_xai")
DEFAULT = {
    **dict.fromkeys(("resnet50", "mobilenet_v2", "efficientnet_b0", "convnext_tiny"), 1.03),
    **{"vit_b_16": 1.05, "deit_s": 1.05, "swin_t": 1.10, "vgg16": 1.22, INT8: 1.10},
    **{"vit_s_rope": 1.03, "eva02_tiny": 1.03},
}
GRADIENT = {
    **{"resnet50": 2.3, "vgg16": 2.3},
    **dict.fromkeys(("mobilenet_v2", "efficientnet_b0", "convnext_tiny", "vit_b_16"), 3.0),
}
SECONDS = {"resnet50": 0.5, "vit_b_16": 1.5, "chain": 10.0}
PACKAGE = {"import cam_core": 0.25, "gradcam --help": 0.5}
THROUGHPUT = 0.95
BOXES = {"yolox-nano": 1.6}
"""Five boxes of a detector, with the maps of all its scales merged."""
MIDDLE = "layer2"
NAMES = {model.key: model.name for model in (*BY_KEY.values(), *DETECTORS)} | {
    "chain": "10,000 nodes",
    "package": "-",
}


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    what: str
    model: str
    target: float | None
    found: Spread
    unit: str = ""
    at_least: bool = False
    beaten: bool = True
    """Whether a peer that it must beat is beaten."""
    peers: dict[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As the notes on misses call it."""
        return f"{self.what}, {self.model}" if self.model != "-" else self.what

    @property
    def verdict(self) -> str:
        """OK, MISS, or - where there is no target."""
        if self.target is None:
            return "-"
        short = self.found.median - self.target
        reached = short >= 0 if self.at_least else short <= 0
        return "OK" if reached and self.beaten else "MISS"


def lines(rows: Rows) -> list[Line]:
    """What the rows give, in the order of the targets; what is not measured is left out."""
    keys = list(dict.fromkeys([*NAMES, *(model for _, model, _ in rows)]))
    return [line for group in GROUPS for key in keys for line in group(rows, key)]


def _default(rows: Rows, key: str) -> Iterator[Line]:
    if found := _found(rows, "default", key, "default layer"):
        peers = _peers(rows, "peers", key)
        yield Line("default layer", _name(key), DEFAULT.get(key), found, peers=peers)


def _gate(rows: Rows, key: str) -> Iterator[Line]:
    if found := _found(rows, "default", key, "gate shut"):
        target = 1.01 if key in BY_KEY else None
        yield Line("gate shut", _name(key), target, found)


def _classes(rows: Rows, key: str) -> Iterator[Line]:
    found = _found(rows, "classes", key, "top:5")
    tail = _found(rows, "tail", key, "after the layer")
    if found and tail:
        yield Line("five classes", _name(key), 1.03 + 4 * max(0.0, tail.median), found)


def _gradients(rows: Rows, key: str) -> Iterator[Line]:
    for what in ("input gradient", "guided input gradient"):
        if found := _found(rows, "gradients", key, what):
            peers = _peers(rows, "gradients", key) if what == "input gradient" else {}
            yield Line(what, _name(key), GRADIENT.get(key), found, peers=peers)


def _boxes(rows: Rows, key: str) -> Iterator[Line]:
    if found := _found(rows, "boxes", key, "one box"):
        yield Line("one box", _name(key), None, found)
    if found := _found(rows, "boxes", key, "5 boxes"):
        peers = _peers(rows, "boxes", key)
        beaten = found.median < min(peers.values(), default=float("inf"))
        yield Line("5 boxes", _name(key), BOXES.get(key), found, beaten=beaten, peers=peers)


def _middle(rows: Rows, key: str) -> Iterator[Line]:
    found = _found(rows, "depth", key, MIDDLE)
    after = _found(rows, "depth", key, f"after {MIDDLE}")
    if found and after:
        yield Line(f"middle layer ({MIDDLE})", _name(key), 1 + 1.2 * after.median, found)


def _memory(rows: Rows, key: str) -> Iterator[Line]:
    if found := _found(rows, "memory", key, "peak"):
        target = {"vgg16": 1.6}.get(key, 1.10) if key in BY_KEY else None
        yield Line("peak memory", _name(key), target, found)


def _openvino(rows: Rows, key: str) -> Iterator[Line]:
    if found := _found(rows, "openvino", key, "ours"):
        peers = _peers(rows, "openvino", key)
        beaten = found.median < min(peers.values(), default=float("inf"))
        yield Line("on OpenVINO", _name(key), 1.10, found, beaten=beaten, peers=peers)


def _seconds(rows: Rows, key: str) -> Iterator[Line]:
    for what in ("instrument", "instrument at the first layer"):
        if found := _found(rows, "seconds", key, what):
            yield Line(what, _name(key), SECONDS.get(key), found, "s")
    for what, target in PACKAGE.items():
        if found := _found(rows, "seconds", key, what):
            yield Line(what, _name(key), target, found, "s")


def _batch(rows: Rows, key: str) -> Iterator[Line]:
    for row in rows.values():
        if (row.part, row.model) == ("batch", key) and row.found:
            what = f"images/s, {row.what}"
            yield Line(what, _name(key), THROUGHPUT, row.found, at_least=True)


def _folder(rows: Rows, key: str) -> Iterator[Line]:
    for row in rows.values():
        if (row.part, row.model) == ("folder", key) and row.found:
            yield Line(f"images/s, {row.what}", _name(key), None, row.found)


Group = Callable[[Rows, str], Iterator[Line]]
GROUPS: Sequence[Group] = (
    *(_default, _gate, _classes, _boxes, _gradients, _middle, _memory),
    *(_openvino, _seconds, _batch, _folder),
)


def _name(key: str) -> str:
    return NAMES.get(key, key)


def _found(rows: Rows, part: str, key: str, what: str) -> Spread | None:
    row = rows.get((part, key, what))
    return row.found if row else None


def _peers(rows: Rows, part: str, key: str) -> dict[str, float]:
    found = {name: _found(rows, part, key, name) for name in PEERS}
    return {name: figure.median for name, figure in found.items() if figure}


def table(found: Sequence[Line]) -> str:
    """In Markdown, padded so that it reads as text too."""
    body = []
    for line in found:
        sign = "at least " if line.at_least else ""
        unit = f" {line.unit}" if line.unit else ""
        target = "-" if line.target is None else f"{sign}{line.target:.3f}".removesuffix("0") + unit
        ours = f"{line.found.median:.3f}{unit} ({line.found.low:.3f} to {line.found.high:.3f})"
        others = [f"{line.peers[p]:.2f}" if p in line.peers else "" for p in PEERS]
        body.append([line.what, line.model, target, ours, line.verdict, *others])
    return markdown(["what", "model", "target", "ours", "", *PEERS], body)


def markdown(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """A table whose columns are as wide as their widest cell; nothing without a body."""
    if not body:
        return ""
    widths = [max(3, *(len(row[i]) for row in [head, *body])) for i in range(len(head))]
    rows = [head, ["-" * width for width in widths], *body]
    padded = [[cell.ljust(w) for cell, w in zip(row, widths, strict=True)] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in padded)


def without(rows: Rows) -> list[str]:
    """What has no figure, each with the reason."""
    missing = [row for row in rows.values() if row.found is None]
    return [f"{row.what}, {_name(row.model)}: {row.note}" for row in missing]
