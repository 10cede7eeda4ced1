"""Draws docs/images/hero.png: the side-by-side.png of `gradcam demo`, in fewer bytes."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from PIL import Image

from cam_core.cli.commands.demo import draw, look
from cam_core.demo import load_scenes

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    scene = load_scenes()[0]
    image = scene.pixels()
    findings = look(ROOT / "cam_core" / "demo" / "demo.onnx", image, scene)
    picture = Image.open(BytesIO(draw(image, findings)["side-by-side.png"]))
    target = ROOT / "docs" / "images" / "hero.png"
    target.parent.mkdir(parents=True, exist_ok=True)
    picture.point(lambda level: min(255, (level + 2) // 4 * 4)).save(target, optimize=True)
    print(f"{target}: {target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
