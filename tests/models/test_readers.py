"""Readers of both kinds are told apart without flags; their numbers and slopes are torch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch", reason="the originals are torch's")
pytest.importorskip("onnxscript", reason="torch exports with it")

from backends.onnx import OnnxBackend  # noqa: E402
from cam_core.asking import seen_by  # noqa: E402
from cam_core.captures import pulled  # noqa: E402
from cam_core.explain import explain_all  # noqa: E402
from cam_core.targets import parse_target  # noqa: E402
from tests.asked import require_all  # noqa: E402
from tests.models import readers as nets  # noqa: E402
from tests.models.detectors import export  # noqa: E402
from tests.models.readers import C, T  # noqa: E402


class Row(NamedTuple):
    """A reader."""

    net: Callable[[], nets.Kept]
    by_step: bool
    evidence: str
    logits: Callable[[Any], Any] = lambda y: y
    """[N, T, C] of what it gives."""


QUERIED = f"{C} classes at each of {T} steps, at no place of the picture"
ROWS = {
    "CRNN": Row(nets.CRNN, False, "along axis 3 of 'x', a picture: a line",
                lambda y: y.transpose(0, 1)),
    "queries": Row(nets.Queries, True, QUERIED),
    "first tokens": Row(nets.FirstTokens, True, f"{C} classes at each of the first {T} tokens"),
    "slots": Row(nets.Slots, True, QUERIED, lambda y: y.log()),
    "unrolled": Row(nets.Unrolled, True, QUERIED),
}  # fmt: skip


class Read(NamedTuple):
    backend: OnnxBackend
    row: Row
    net: nets.Kept
    x: Any

    def logits(self) -> Any:
        """The original's, in float64; of a softmax log p, which is as good."""
        return self.row.logits(self.net.double()(torch.from_numpy(self.x).double()))

    def slope(self, text: str) -> tuple[Any, Any]:
        """(Y, dY/dA at the kept map) here."""
        look = self.backend.look(self.x, layers=[self.layer])
        known = {"head": self.backend.heads()[0], "class_axis": self.backend.class_axis}
        (question,) = parse_target(text, **known)
        (target,) = question.found_in(seen_by(self.backend, self.x, look))
        (captured,) = pulled(look, target)
        return float(target.score(look.score)[0]), captured

    @property
    def layer(self) -> str:
        """The last ReLU of its convolutions."""
        return [name for name in map(str, self.names) if "/body" in name and "Relu" in name][-1]

    @property
    def names(self) -> list[str]:
        return [node.output[0] for node in self.backend.analysis.model.graph.node]


@pytest.fixture(scope="module", params=ROWS)
def read(request) -> Read:
    row = ROWS[request.param]
    torch.manual_seed(4)
    net = row.net().eval()
    for weight in net.head.parameters():
        weight.data *= 4
    x = np.random.default_rng(3).normal(size=(1, 3, 16, 64)).astype(np.float32)
    model = export(net, (torch.from_numpy(x),), ["x"], ["y"])
    return Read(OnnxBackend(model), row, net, x)


def test_it_is_told_how_a_line_is_read(read: Read) -> None:
    head = read.backend.heads()[0]
    assert (head.kind, head.by_step) == ("sequence", read.row.by_step)
    assert read.row.evidence in head.evidence
    found = explain_all(read.backend, read.x, ["char:all"])
    y, end = read.logits()[0].detach().numpy(), found[0].detail[0]["char"]
    best = [int(c) for c in y.argmax(axis=1)]
    if read.row.by_step:
        stop = best.index(end["end"]) if end["end"] is not None else T
        line = best[:stop]
    else:
        line = [c for i, c in enumerate(best) if c != end["blank"] and best[i - 1 : i] != [c]]
    assert [int(one.classes[0]) for one in found] == line
    assert line


def test_what_is_listed_can_be_asked(read: Read) -> None:
    assert {"text", "char:1"} <= require_all(read.backend, read.x)


def test_a_character_and_its_slope_are_torchs(read: Read) -> None:
    """The mean of its class's logit over its steps; softmax logits but for one number a step."""
    Y, captured = read.slope("char:1")
    (found,) = explain_all(read.backend, read.x, ["char:1"])
    facts = found.detail[0]["char"]
    first, last = facts["steps"]
    y = read.logits()[0]
    if isinstance(read.net, nets.Slots):  # the logits behind its softmax
        maps = read.net.body(torch.from_numpy(read.x).double())
        read.net.layer = maps
        y = read.net.head(maps.flatten(1)).view(T, C)
    value = y[first : last + 1, facts["class"]].mean()
    assert pytest.approx(value.item(), rel=1e-5) == Y
    same_slope(captured, read.net.layer, value)


def test_a_line_and_its_slope_are_torchs(read: Read) -> None:
    """CTC's loss is torch's; by steps it is the sum of log p, that of the end too."""
    (found,) = explain_all(read.backend, read.x, ["text"])
    facts = found.detail[0]["text"]
    Y, captured = read.slope("text")
    log_p = read.logits().log_softmax(-1)
    line = facts["classes"]
    if read.row.by_step:
        ended = [] if facts["end"] is None or len(line) == T else [facts["end"]]
        value = sum(log_p[0, t, c] for t, c in enumerate([*line, *ended]))
    else:
        loss = torch.nn.functional.ctc_loss
        lengths = (torch.tensor([n]) for n in (log_p.shape[1], len(line)))
        given = torch.tensor([line])
        value = -loss(log_p.transpose(0, 1), given, *lengths, facts["blank"], "sum")
    assert pytest.approx(value.item(), rel=1e-5) == Y
    same_slope(captured, read.net.layer, value)


def same_slope(captured: Any, A: Any, value: Any) -> None:
    (expected,) = torch.autograd.grad(value, A)
    scale = float(expected.abs().max())
    assert scale > 0
    np.testing.assert_allclose(captured.activations, A.detach(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(captured.gradients, expected, rtol=1e-4, atol=1e-4 * scale)


def planted(rows: int) -> tuple[Any, list[tuple[int, int]]]:
    """A picture of coloured strokes on black, and (class, first column) of each."""
    x = np.zeros((1, 3, rows, 64), np.float32)
    strokes = [(0, 4), (2, 24), (1, 44)]
    for colour, left in strokes:
        x[0, colour, :, left : left + 6] = 1
    return x, strokes


class Planted(nets.Kept):
    """Colours become classes 1 to 3, each at its column; gates stand open and forget at once."""

    def __init__(self) -> None:
        super().__init__()
        self.body = torch.nn.Sequential(torch.nn.Conv2d(3, 3, 2, 2), torch.nn.ReLU())
        self.rnn = torch.nn.LSTM(3, 3, bidirectional=True)
        self.head = torch.nn.Linear(6, 4)
        for weight in self.parameters():
            weight.data.zero_()
        for i in range(3):
            self.body[0].weight.data[i, i] = 0.25
        self.head.weight.data[1:] = 4 * torch.eye(3).repeat(1, 2)
        self.head.bias.data[0] = 1.0
        for name, weight in self.rnn.named_parameters():
            if name.startswith("bias_ih"):  # input, forget, cell and output gates
                weight.data += torch.tensor([4.0, -3.0, 0.0, 4.0]).repeat_interleave(3)
            if name.startswith("weight_ih"):
                weight.data[6:9] = 2 * torch.eye(3)
            if name.startswith("weight_hh"):
                weight.data[6:9] = 0.1 * torch.eye(3)

    def forward(self, x: Any) -> Any:
        columns = self.keep(self.body(x)).mean(2).permute(2, 0, 1)
        return self.head(self.rnn(columns)[0])


def test_a_planted_character_lights_its_own_place() -> None:
    """Through an LSTM in both directions: the map's peak is in its stroke, as is nearly all."""
    x, strokes = planted(8)
    model = export(Planted().eval(), (torch.from_numpy(x),), ["x"], ["y"])
    found = explain_all(OnnxBackend(model), x, ["char:all"])
    assert [int(one.classes[0]) for one in found] == [colour + 1 for colour, _ in strokes]
    for one, (_, left) in zip(found, strokes, strict=True):
        heat = one.map[0].sum(axis=0)
        own = heat[left // 2 : left // 2 + 3]
        assert left // 2 <= int(heat.argmax()) < left // 2 + 3
        assert own.sum() > 0.9 * heat.sum()


class PlantedQueries(nets.Kept):
    """Query t looks at a third of the width, and gives its colour."""

    def __init__(self) -> None:
        super().__init__()
        self.body = torch.nn.Sequential(torch.nn.Conv2d(3, 3, 4, 4), torch.nn.ReLU())
        self.head = torch.nn.Linear(3, C)
        for weight in self.parameters():
            weight.data.zero_()
        for i in range(3):
            self.body[0].weight.data[i, i] = 1 / 16
            self.head.weight.data[i + 1, i] = 5.0
        self.head.bias.data[0] = 0.5
        places = torch.arange(16) * 4 // 20
        self.looks = torch.nn.Parameter(10.0 * (places[None] == torch.arange(4)[:, None]).float())

    def forward(self, x: Any) -> Any:
        tokens = self.keep(self.body(x)).mean(2).transpose(1, 2)
        return self.head(self.looks.softmax(-1) @ tokens)


def test_a_planted_character_lights_its_own_place_by_steps() -> None:
    """The fourth query sees nothing and says that the line ends."""
    x, strokes = planted(8)
    model = export(PlantedQueries().eval(), (torch.from_numpy(x),), ["x"], ["y"])
    found = explain_all(OnnxBackend(model), x, ["char:all"])
    assert [int(one.classes[0]) for one in found] == [colour + 1 for colour, _ in strokes]
    for one, (_, left) in zip(found, strokes, strict=True):
        heat = one.map[0].sum(axis=0)
        assert left // 4 <= int(heat.argmax()) <= (left + 5) // 4
        assert heat[left // 4 : (left + 5) // 4 + 1].sum() > 0.99 * heat.sum()
