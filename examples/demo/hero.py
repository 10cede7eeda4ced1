"""Draws docs/images/hero.png and boxes.png: side-by-side.png of `gradcam demo`, in fewer bytes."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from PIL import Image

from cam_core.cli.demo_scene import act, draw, look

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    for name, detector in (("hero.png", False), ("boxes.png", True)):
        shown = act(detector)
        scene = shown.scenes[0]
        image = scene.pixels()
        findings = look(shown, ROOT / "cam_core" / "demo", image, scene)
        picture = Image.open(BytesIO(draw(shown, image, findings)["side-by-side.png"]))
        target = ROOT / "docs" / "images" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        picture.point(lambda level: min(255, (level + 2) // 4 * 4)).save(target, optimize=True)
        print(f"{target}: {target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
