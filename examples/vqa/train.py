"""Makes vqa.onnx again: a question about a picture, answered by looking at places.

    python -m examples.vqa.train              # a few minutes on one core

Inputs: image [N, 3, 96, 96], pixels / 255, and words [N, T], a question. Output:
logits [N, A] of the answers.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn

from examples.coloured import render, two_things
from examples.places import Encoder, Glance
from examples.training import begin, export, fit, listed, pictures, unscaled
from examples.vqa.words import ANSWERS, VOCABULARY, numbers, questions

MODEL = Path(__file__).with_name("vqa.onnx")
WORDS, ASKING = 24, 64


class Answerer(nn.Module):
    """Picture and question -> logits of the answers."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.embed = nn.Embedding(len(VOCABULARY), WORDS)
        self.asking = nn.LSTM(WORDS, ASKING, batch_first=True)
        self.glance = Glance(ASKING)
        self.seen = nn.Linear(self.glance.channels, len(ANSWERS), bias=False)
        self.kind = nn.Linear(ASKING, len(ANSWERS))

    def forward(self, image: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        return self.answer(self.encoder(image), words)

    def answer(self, features: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        """[N, 64, 12, 12] and [N, T] -> [N, A]."""
        _, (state, _) = self.asking(self.embed(words))
        asked = state.transpose(0, 1)  # [N, 1, ASKING]
        logits: torch.Tensor = self.seen(self.glance(features, asked)) + self.kind(asked)
        return logits[:, 0]


def data(count: int, first: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Pictures uint8 [count, 3, 96, 96], four questions each [count, 4, T], answers [count, 4]."""
    seeds = range(first, first + count)
    scenes = [render(seed, two_things(np.random.default_rng(seed))) for seed in seeds]
    asked = [[pair for thing in s.things for pair in questions(thing).items()] for s in scenes]
    words = np.array([[numbers(text) for text, _ in four] for four in asked])
    answers = np.array([[ANSWERS.index(answer) for _, answer in four] for four in asked])
    return pictures(scenes), torch.from_numpy(words), torch.from_numpy(answers)


def train(
    net: Answerer, x: torch.Tensor, words: torch.Tensor, answers: torch.Tensor, *, epochs: int
) -> None:
    """Cross-entropy of each answer, right or wrong, to all the questions about a scene.

    Each answer for itself, so that its logit is evidence for it, and not only more than others'.
    """

    def loss(batch: torch.Tensor) -> torch.Tensor:
        features = net.encoder(x[batch].float() / 255).repeat_interleave(4, dim=0)
        logits = net.answer(features, words[batch].flatten(0, 1))
        right = nn.functional.one_hot(answers[batch].flatten(), len(ANSWERS)).float()
        return nn.functional.binary_cross_entropy_with_logits(logits, right)

    fit(net, len(x), loss, epochs=epochs)


def hits(net: Answerer, x: torch.Tensor, words: torch.Tensor, answers: torch.Tensor) -> float:
    """The share of questions that are answered right."""
    image = x.float() / 255
    with torch.no_grad():
        found = [net(image, words[:, i]).argmax(dim=1) == answers[:, i] for i in range(4)]
    return float(torch.stack(found).float().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=4000, help="rendered for training")
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("-o", "--output", type=Path, default=MODEL)
    given = parser.parse_args()
    begin()
    everything = data(given.scenes, first=0)
    net = Answerer()
    train(net, *everything, epochs=given.epochs)
    print(f"answers right: {hits(net, *data(500, first=500_000)):.1%} of 2000 about 500 new scenes")
    example = {"image": torch.rand(2, 3, 96, 96), "words": everything[1][:2, 0].contiguous()}
    free = {"image": {0: "batch"}, "words": {0: "batch", 1: "steps"}, "logits": {0: "batch"}}
    facts = {"task": "vqa", "vocabulary": listed(VOCABULARY), "answers": listed(ANSWERS)}
    facts |= {"cam.labels": listed(ANSWERS), "cam.preprocess": unscaled()}
    export(net, example, free, "logits", given.output, facts)


if __name__ == "__main__":
    main()
