"""Writes docs/performance.md from the recorded rows and the hand-written notes."""

from __future__ import annotations

from collections.abc import Mapping

from .models import BY_KEY, GROWING
from .row import Row
from .table import NAMES, PEERS, Rows, lines, markdown, table, without

COMMAND = 'pip install ".[cpu,bench]" && python -m benchmarks.speed'
HEAD = f"""\
# What an explanation costs

In units of the model's own forward pass in onnxruntime, unless a column says otherwise.
`{COMMAND}` measures all of it in one run and writes this page.
"""
HOW = """\
## How it was measured

- **Models**: torchvision's and timm's architectures with seeded random weights, 224 x 224, batch 1,
  exported with a free batch axis: CNNs by TorchScript, which keeps GlobalAveragePool; ConvNeXt
  and transformers by torch.export, which leaves less to compute about shapes at run time. The int8
  model (QDQ, uint8 activations and weights) is made by onnxruntime's own quantiser.
- **Ratios**: all candidates of a line run in one process, in blocks of about 30 ms (at least one
  run), every candidate once a round, in an order drawn anew each round. A ratio is of two blocks of
  the same round; the table has the median, in brackets the quartiles. *Plain again* is a second
  session of the plain model: how far it is from 1 is the noise.
- **Threads** do not spin (`session.intra_op.allow_spinning` 0, `OMP_WAIT_POLICY=passive`): spinning
  ones slow down whatever runs next.
- **The forward's own cost after a layer**: the plain model less one that ends there. It sets the
  targets of *five classes*, 1.03 + 4 x that of the default layer, and of the *middle layer*,
  1 + 1.2 x that of the layer.
- **Peers**: pytorch-grad-cam, torch-cam and captum on the torch module with the same weights, layer
  and threads; torch-cam and captum take tokens for channels, which costs the same. onnx-ad gives
  the gradient of the input, in a fifth of the rounds. *On OpenVINO* is in units of OpenVINO's plain
  forward pass; openvino_xai's branch there is Recipro-CAM, for all classes at once.
- **Boxes**: anchors from the first to the last of a detector, so of all its scales, each with its
  merged HiResCAM map, from one look. *tiny detector* is the package's; pytorch-grad-cam explains
  the torch module that it was exported from, a call a box, at both ends of its neck.
- **Memory**: the peak of a process that loads NumPy and onnxruntime, opens the file and runs it
  once; the highest of nine processes, in brackets the ratio of the lowest ones too: while a session
  opens, the peak of the same file differs by up to 40 % from one process to the next.
- **Seconds**: instrumenting without `verify`, the best of three; the import and the help page, the
  median of nine processes (the import within its process, the help page with it).
- **Folders**: `gradcam explain` on 96 photos of 640 x 480, in units of the images a second of a
  loop that decodes them, prepares them and runs the plain model; both open the model first.
"""
PICTURE = "![Cost against classes, depth, batch and resolution](images/cost.png)"
COST = ("plain again", "top:1", "gate open")


def page(about: Mapping[str, str], rows: Rows, notes: str) -> str:
    """The whole page."""
    machine = markdown(["machine", ""], [[key, value] for key, value in about.items()])
    misses = f"## What misses, and why\n\n{notes.strip()}" if notes.strip() else ""
    parts = [HEAD, machine, tables(rows), PICTURE, misses, HOW]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def tables(rows: Rows) -> str:
    """All tables that the rows fill, the targets' first."""
    titles = {
        "## Against the targets": table(lines(rows)),
        "Without a figure:": "\n".join(f"- {text}" for text in without(rows)),
        "## Beside the table": _cost(rows),
        "## The peers, also in units of torch's own forward pass": _peers(rows),
        "## Five boxes of a detector, each in units of its own forward pass": _boxes(rows),
        "## Memory": _memory(rows),
        "## How it grows": _growth(rows),
    }
    return "\n\n".join(f"{title}\n\n{text}" for title, text in titles.items() if text)


def _models(rows: Rows, part: str) -> list[str]:
    measured = {model for p, model, _ in rows if p == part}
    return [key for key in BY_KEY if key in measured]


def _figure(rows: Rows, part: str, key: str, what: str, digits: int = 3, scale: float = 1.0) -> str:
    row = rows.get((part, key, what), Row(part, key, what))
    return "-" if row.found is None else f"{scale * row.found.median:.{digits}f}"


def _cost(rows: Rows) -> str:
    body = []
    for key in _models(rows, "default"):
        own = [_figure(rows, "default", key, what) for what in COST]
        further = [_figure(rows, "tail", key, w) for w in ("after the layer", "one class more")]
        body.append([NAMES[key], _figure(rows, "default", key, "plain", 1, 1000), *own, *further])
    return markdown(["model", "plain, ms", *COST, "after the layer", "one class more"], body)


def _peers(rows: Rows) -> str:
    torch = PEERS[:3]
    own = [f"{peer} / torch" for peer in torch]
    body = []
    for key in _models(rows, "peers"):
        found = [_figure(rows, "peers", key, what, 2) for what in ("ours", *torch, "torch")]
        found += [_figure(rows, "peers", key, f"{peer} in torch", 2) for peer in torch]
        body.append([NAMES[key], *found])
    return markdown(["model", "ours", *torch, "torch's forward", *own], body)


def _boxes(rows: Rows) -> str:
    """A peer's in units of torch's forward pass."""
    body = []
    for key in dict.fromkeys(model for part, model, _ in rows if part == "boxes"):
        own = [_figure(rows, "boxes", key, what, 2) for what in ("one box", "5 boxes")]
        peer = _figure(rows, "boxes", key, "pytorch-grad-cam in torch", 2)
        name = NAMES.get(key, key)
        body.append([name, _figure(rows, "boxes", key, "plain", 2, 1000), *own, peer])
    head = ["model", "plain, ms", "one box", "5 boxes", "5 boxes, pytorch-grad-cam / torch"]
    return markdown(head, body)


def _memory(rows: Rows) -> str:
    body = []
    for key in _models(rows, "memory"):
        peaks = [_figure(rows, "memory", key, f"peak, {w}", 0) for w in ("plain", "ours")]
        both = [_figure(rows, "memory", key, w) for w in ("peak", "peak beyond the start")]
        body.append([NAMES[key], *peaks, *both])
    head = ["model", "plain, MB", "explained, MB", "ratio", "ratio beyond the start"]
    return markdown(head, body)


def series(rows: Rows, part: str, key: str) -> dict[str, float]:
    """What -> median, in the order of the rows, without the unit's own time."""
    mine = [row for row in rows.values() if (row.part, row.model) == (part, key)]
    return {row.what: row.found.median for row in mine if row.found and row.unit != "s"}


def _growth(rows: Rows) -> str:
    body = []
    for part in ("classes", "depth", "batch", "resolution"):
        for key in _models(rows, part):
            found = series(rows, part, key)
            if part != "classes" or key in GROWING:
                text = ", ".join(f"{what} {figure:.3f}" for what, figure in found.items())
                body.append([part, NAMES[key], text])
    return markdown(["with", "model", "figures (batch: images/s)"], body)
