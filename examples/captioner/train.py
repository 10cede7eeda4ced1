"""Makes captioner.onnx again: an LSTM decoder that looks at the places of a picture.

    python -m examples.captioner.train        # a few minutes on one core

Inputs: image [N, 3, 96, 96], pixels / 255, and words [N, T], <start> and the words so far. Output:
logits [N, T, V] of the next word at each step: what is seen plus what was said, as in the output
layer of Xu et al. 2015 (Show, Attend and Tell).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn

from examples.captioner.words import LENGTH, VOCABULARY, caption, numbers
from examples.coloured import render, two_things
from examples.places import Encoder, Glance
from examples.training import begin, export, fit, listed, pictures, unscaled

MODEL = Path(__file__).with_name("captioner.onnx")
WORDS, ASKING = 24, 64
"""Channels of a word, and of the LSTM that asks."""


class Captioner(nn.Module):
    """Picture and words so far -> logits of the next word."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.embed = nn.Embedding(len(VOCABULARY), WORDS)
        self.asking = nn.LSTM(WORDS, ASKING, batch_first=True)
        self.glance = Glance(ASKING)
        self.seen = nn.Linear(self.glance.channels, len(VOCABULARY), bias=False)
        self.said = nn.Linear(ASKING, len(VOCABULARY))

    def forward(self, image: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        asked, _ = self.asking(self.embed(words))
        seen = self.glance(self.encoder(image), asked)
        logits: torch.Tensor = self.seen(seen) + self.said(asked)
        return logits


def data(count: int, first: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures uint8 [count, 3, 96, 96], captions [count, 2, LENGTH + 1]: either thing first."""
    scenes = [
        render(seed, two_things(np.random.default_rng(seed)))
        for seed in range(first, first + count)
    ]
    texts = [[numbers(caption(*s.things)), numbers(caption(*s.things[::-1]))] for s in scenes]
    return pictures(scenes), torch.from_numpy(np.array(texts))


def train(net: Captioner, x: torch.Tensor, y: torch.Tensor, *, epochs: int) -> None:
    """Cross-entropy of the next word; which thing comes first is drawn by lot."""

    def loss(batch: torch.Tensor) -> torch.Tensor:
        words = y[batch, torch.randint(2, batch.shape)]
        logits = net(x[batch].float() / 255, words[:, :-1])
        return nn.functional.cross_entropy(
            logits.flatten(0, 1), words[:, 1:].flatten(), ignore_index=0, label_smoothing=0.1
        )

    fit(net, len(x), loss, epochs=epochs)


def hits(net: Captioner, x: torch.Tensor, y: torch.Tensor) -> float:
    """The share of scenes whose words are the likeliest, from the first colour on."""
    with torch.no_grad():
        found = net(x.float() / 255, y[:, 0, :-1]).argmax(dim=2)
    right = (found == y[:, 0, 1:]) | (y[:, 0, 1:] == 0)
    return float(right[:, 2:].all(dim=1).float().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=4000, help="rendered for training")
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("-o", "--output", type=Path, default=MODEL)
    given = parser.parse_args()
    begin()
    x, y = data(given.scenes, first=0)
    net = Captioner()
    train(net, x, y, epochs=given.epochs)
    print(f"captions right in {hits(net, *data(500, first=500_000)):.1%} of 500 new scenes")
    example = {"image": torch.rand(2, 3, 96, 96), "words": y[:2, 0, :LENGTH].contiguous()}
    free = {"image": {0: "batch"}, "words": {0: "batch", 1: "steps"}}
    free["logits"] = free["words"]
    facts = {"task": "caption", "vocabulary": listed(VOCABULARY), "cam.preprocess": unscaled()}
    export(net, example, free, "logits", given.output, facts)


if __name__ == "__main__":
    main()
