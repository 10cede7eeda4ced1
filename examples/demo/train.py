"""Makes the demo of the package again: renders scenes, trains a small CNN and exports it.

    python -m examples.demo.train            # a few minutes on one core

It writes cam_core/demo/: demo.onnx, labels.txt, scenes.json and scenes/*.png.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import torch
from PIL import Image
from torch import nn

from cam_core.image import PRESETS
from examples.demo.scenes import LABELS, Scene, render
from examples.training import unit

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "cam_core" / "demo"
SIZE, SCENE_SIZE = 128, 256
"""Pixels of the model's input, and of the scenes in the package."""
SHIPPED = {"scene-1": 1_000_277, "scene-2": 1_000_206, "scene-3": 1_000_180}
"""Name and seed of the scenes in the package; training counts its seeds from 0."""


class Net(nn.Module):
    """Four convolutions, an average over space and one linear layer: 16x16 maps of 128x128."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem = unit(3, 32, kernel=8, stride=4, padding=2)
        self.stage1 = unit(32, 64, stride=2)
        self.stage2 = unit(64, 96)
        self.stage3 = unit(96, 96)
        self.head = nn.Linear(96, classes)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = self.stage3(self.stage2(self.stage1(self.stem(image))))
        logits: torch.Tensor = self.head(x.mean(dim=(2, 3)))
        return logits


def truth(scene: Scene) -> torch.Tensor:
    """Equal shares for the classes that are there [C]: what a softmax can reach."""
    y = torch.zeros(len(LABELS))
    for thing in scene.things:
        y[LABELS.index(thing.label)] = 1 / len(scene.things)
    return y


def data(count: int, first: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Scenes of one to three classes: uint8 [count, 3, SIZE, SIZE] and shares [count, C]."""
    x = torch.empty(count, 3, SIZE, SIZE, dtype=torch.uint8)
    y = torch.empty(count, len(LABELS))
    for i in range(count):
        scene = render(first + i, count=1 + (first + i) % 3, size=SIZE)
        x[i] = torch.from_numpy(scene.pixels).permute(2, 0, 1)
        y[i] = truth(scene)
    return x, y


def train(net: Net, x: torch.Tensor, y: torch.Tensor, *, epochs: int, rows: int = 64) -> None:
    """Cross-entropy under a one-cycle learning rate; each batch is flipped by lot."""
    steps = epochs * (len(x) // rows)
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 6e-3, total_steps=steps)
    net.train()
    for epoch in range(epochs):
        total, begun = 0.0, time.perf_counter()
        order = torch.randperm(len(x))
        for batch in order[: len(x) // rows * rows].reshape(-1, rows):
            image = x[batch].float() / 255
            image = image.flip(-1) if torch.rand(()) < 0.5 else image
            loss = nn.functional.cross_entropy(net(image), y[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        seconds = time.perf_counter() - begun
        print(
            f"epoch {epoch + 1:2}: loss {total / (len(x) // rows):.4f}, {seconds:.0f} s", flush=True
        )


def hits(net: Net, x: torch.Tensor, y: torch.Tensor) -> float:
    """The share of scenes whose k classes are the k best."""
    net.eval()
    with torch.no_grad():
        logits = torch.cat([net(part.float() / 255) for part in x.split(100)])
    right = [
        set(row.topk(int((shares > 0).sum())).indices.tolist())
        == set(shares.nonzero().flatten().tolist())
        for row, shares in zip(logits, y, strict=True)
    ]
    return float(np.mean(right))


def export(net: Net, path: Path) -> None:
    """The .onnx file, compared with the module by the converter."""
    from converters.torch import to_onnx

    to_onnx(net, torch.rand(2, 3, SIZE, SIZE), path, output_names=["logits"])
    describe(path)


def describe(path: Path) -> None:
    """Keeps labels and preprocessing in the file, so that no command needs flags for them."""
    model = onnx.load(path)
    facts = {"cam.labels": list(LABELS), "cam.preprocess": asdict(PRESETS["unit"])}
    for key, value in facts.items():
        model.metadata_props.add(key=key, value=json.dumps(value))
    onnx.save(model, path)


def ship(folder: Path) -> None:
    """The package's scenes with their boxes."""
    (folder / "scenes").mkdir(parents=True, exist_ok=True)
    records = []
    for name, seed in SHIPPED.items():
        scene = render(seed, size=SCENE_SIZE)
        Image.fromarray(scene.pixels).save(folder / "scenes" / f"{name}.png", optimize=True)
        things = [{"label": thing.label, "box": list(thing.box)} for thing in scene.things]
        records.append({"file": f"scenes/{name}.png", "seed": seed, "things": things})
    text = json.dumps(records, indent=1) + "\n"
    (folder / "scenes.json").write_text(text, encoding="utf-8")
    (folder / "labels.txt").write_text("\n".join(LABELS) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=6000, help="rendered for training")
    parser.add_argument("--epochs", type=int, default=18)
    parser.add_argument("--only-scenes", action="store_true", help="write no model")
    given = parser.parse_args()
    ship(PACKAGE)
    if given.only_scenes:
        return
    torch.manual_seed(0)
    torch.set_num_threads(1)  # so small a net is slower on two, and this one is reproducible
    begun = time.perf_counter()
    x, y = data(given.scenes, first=0)
    print(f"{given.scenes} scenes in {time.perf_counter() - begun:.0f} s", flush=True)
    net = Net(len(LABELS))
    train(net, x, y, epochs=given.epochs)
    print(f"all classes right in {hits(net, *data(500, first=500_000)):.1%} of 500 new scenes")
    export(net, PACKAGE / "demo.onnx")


if __name__ == "__main__":
    main()
