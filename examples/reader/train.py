"""Makes reader.onnx again: a line of capital letters, read by CTC (Graves et al. 2006).

    python -m examples.reader.train        # a few minutes on one core

Input: image [N, 1, 32, 160], grey, pixels / 255. Output: logits [N, 40, 27], a step for each four
columns of pixels; class 0 is the blank.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn

from examples.reader.lines import ALPHABET, HIGH, WIDE, Line, line, numbers
from examples.training import begin, export, fit, listed, unit, unscaled

MODEL = Path(__file__).with_name("reader.onnx")


def flatter(inputs: int, outputs: int) -> nn.Sequential:
    """Convolution, batch norm, ReLU; half as high, as wide as before."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, (2, 1), 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


class Reader(nn.Module):
    """[N, 1, 32, 160] -> [N, 40, 27]: columns of features, each read by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            unit(1, 16, kernel=5, stride=2),
            unit(16, 32, stride=2),
            unit(32, 48),
            flatter(48, 64),
            flatter(64, 64),
        )
        self.columns = nn.Conv2d(64, 96, (2, 3), padding=(0, 1))
        self.letters = nn.Linear(96, len(ALPHABET))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        seen = self.columns(self.encoder(image)).relu()[:, :, 0]  # [N, 96, 40]
        logits: torch.Tensor = self.letters(seen.transpose(1, 2))
        return logits


def grey(lines: list[Line]) -> torch.Tensor:
    """uint8 [N, 1, 32, 160]."""
    return torch.from_numpy(np.stack([one.pixels for one in lines]))[:, None]


def train(net: Reader, lines: list[Line], *, epochs: int) -> None:
    """-log p of the text over all alignments."""
    x = grey(lines)
    texts = [torch.tensor(numbers(one.text)) for one in lines]

    def loss(batch: torch.Tensor) -> torch.Tensor:
        found = net(x[batch].float() / 255).log_softmax(dim=2).transpose(0, 1)
        wanted = [texts[i] for i in batch.tolist()]
        steps = torch.full((len(batch),), len(found))
        lengths = torch.tensor([len(text) for text in wanted])
        value: torch.Tensor = nn.functional.ctc_loss(found, torch.cat(wanted), steps, lengths)
        return value

    fit(net, len(x), loss, epochs=epochs)


def read(logits: torch.Tensor) -> str:
    """The best class of each step [T, 27], repetitions once, blanks left out."""
    best = torch.unique_consecutive(logits.argmax(dim=1)).tolist()
    return "".join(ALPHABET[i] for i in best if i)


def hits(net: Reader, lines: list[Line]) -> float:
    """The share of lines that are read without a mistake."""
    with torch.no_grad():
        found = net(grey(lines).float() / 255)
    return float(np.mean([read(row) == one.text for row, one in zip(found, lines, strict=True)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=6000, help="drawn for training")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("-o", "--output", type=Path, default=MODEL)
    given = parser.parse_args()
    begin()
    net = Reader()
    train(net, [line(seed) for seed in range(given.lines)], epochs=given.epochs)
    fresh = [line(seed) for seed in range(500_000, 500_500)]
    print(f"read without a mistake: {hits(net, fresh):.1%} of 500 new lines")
    example = {"image": torch.rand(2, 1, HIGH, WIDE)}
    free = {"image": {0: "batch"}, "logits": {0: "batch"}}
    facts = {"cam.labels": listed(ALPHABET), "cam.preprocess": unscaled()}
    export(net, example, free, "logits", given.output, facts)


if __name__ == "__main__":
    main()
