"""Models of several files, small and seeded: a segmenter by prompts, a tower and its captions."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

F = nn.functional
SIDE = 32


class Encoder(nn.Module):
    """A picture to features, as SAM's; a finer map beside them, as SAM 2's."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Conv2d(3, 6, 3, stride=2, padding=1)
        self.coarse = nn.Conv2d(6, 12, 3, stride=2, padding=1)
        self.neck = nn.Conv2d(12, 8, 1)

    def forward(self, image: Any) -> Any:
        fine = torch.tanh(self.fine(image))
        neck = self.neck(F.gelu(self.coarse(fine)))
        mean, spread = neck.mean(1, keepdim=True), neck.var(1, keepdim=True, unbiased=False)
        return (neck - mean) / torch.sqrt(spread + 1e-6), fine


class Decoder(nn.Module):
    """Prompts to masks: points attend to the features, and their tokens weigh finer ones."""

    def __init__(self) -> None:
        super().__init__()
        self.point, self.kind = nn.Linear(2, 8), nn.Embedding(2, 8)
        self.up = nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.fine = nn.Conv2d(6, 4, 1)
        self.weights, self.quality = nn.Linear(8, 12), nn.Linear(8, 3)

    def forward(self, features: Any, fine: Any, coords: Any, kinds: Any) -> Any:
        flat = features.flatten(2)  # [N, 8, places]
        token = self.point(coords / SIDE) + self.kind(kinds)  # [N, points, 8]
        seen = torch.softmax(token @ flat, 2) @ flat.transpose(1, 2)
        token = (token + seen).mean(1)
        map_ = F.gelu(self.up(features) + self.fine(fine))
        weights = self.weights(token).reshape(-1, 3, 4)
        low = (weights @ map_.flatten(2)).reshape(-1, 3, SIDE // 2, SIDE // 2)
        masks = F.interpolate(low, (SIDE, SIDE), mode="bilinear", align_corners=False)
        return masks, self.quality(token), low


class Tower(nn.Module):
    """A picture to a vector of length one."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 6, 3, stride=2), nn.Conv2d(6, 10, 3, stride=2)

    def forward(self, pixel_values: Any) -> Any:
        found = torch.relu(self.second(torch.relu(self.first(pixel_values)))).mean((2, 3))
        return found / found.norm(dim=-1, keepdim=True)


class Captions(nn.Module):
    """Each picture against each caption."""

    def forward(self, image_embeds: Any, text_embeds: Any) -> Any:
        return 20 * image_embeds @ text_embeds.T


def seeded(kind: Any, seed: int = 0) -> Any:
    """A module with weights that make a difference."""
    torch.manual_seed(seed)
    net = kind()
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.4)
    return net.eval()


def export(net: Any, path: Path, inputs: dict[str, Any], outputs: list[str], batch: str) -> Path:
    """Its file; `batch` names the open rows, '' fixes them."""
    open_rows = {name: {0: batch} for name in [*inputs, *outputs] if batch}
    open_rows = {name: axes for name, axes in open_rows.items() if name != "text_embeds"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net,
            tuple(inputs.values()),
            path,
            input_names=list(inputs),
            output_names=outputs,
            dynamic_axes=open_rows or None,
            opset_version=17,
            dynamo=False,
        )
    return path


def prompts(rows: int = 1) -> dict[str, Any]:
    """Two points a row, and what they stand for."""
    rng = np.random.default_rng(5)
    return {
        "point_coords": rng.uniform(0, SIDE, (rows, 2, 2)).astype(np.float32),
        "point_labels": rng.integers(0, 2, (rows, 2)),
    }


def image(rows: int = 1) -> Any:
    return np.random.default_rng(6).normal(size=(rows, 3, SIDE, SIDE)).astype(np.float32)


def segmenter(folder: Path, batch: str = "N") -> tuple[Path, Path]:
    """Its two files: the features go on, and a finer map."""
    encoder, decoder = seeded(Encoder), seeded(Decoder, 1)
    x = torch.from_numpy(image())
    features, fine = encoder(x)
    given = {"image_embeddings": features, "high_res_feats": fine}
    given |= {name: torch.from_numpy(array) for name, array in prompts().items()}
    outputs = ["masks", "iou_predictions", "low_res_masks"]
    return (
        export(encoder, folder / "encoder.onnx", {"image": x}, list(given)[:2], batch),
        export(decoder, folder / "decoder.onnx", given, outputs, batch),
    )


def captioned(folder: Path, batch: str = "N") -> tuple[Path, Path]:
    """A tower of pictures, and a file that compares with captions."""
    tower, captions = seeded(Tower, 2), Captions()
    x = torch.from_numpy(image())
    embeds = {"image_embeds": tower(x), "text_embeds": torch.from_numpy(texts())}
    return (
        export(tower, folder / "tower.onnx", {"pixel_values": x}, ["image_embeds"], batch),
        export(captions, folder / "captions.onnx", embeds, ["logits_per_image"], batch),
    )


def texts() -> Any:
    """Three captions as vectors of length one."""
    found = np.random.default_rng(7).normal(size=(3, 10)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)
