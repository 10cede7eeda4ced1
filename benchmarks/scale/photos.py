"""What a photo takes before any model sees it: decoding, and how bright and sharp it is."""

from __future__ import annotations

import time
from pathlib import Path

from cam_core.audit.measure.picture import look_of
from cam_core.image import read

MOST = 64


def photos(folder: Path) -> dict[str, float]:
    """Milliseconds of the processor a photo, and its bytes."""
    files = sorted(folder.glob("*.jpg"))[:MOST]
    begun = time.process_time()
    pixels = [read(file) for file in files]
    decoded = time.process_time()
    for each in pixels:
        look_of(each)
    looked, scale = time.process_time(), 1e3 / len(files)
    size = sum(file.stat().st_size for file in files) / len(files)
    return {
        "decoding ms": (decoded - begun) * scale,
        "brightness and sharpness ms": (looked - decoded) * scale,
        "bytes": size,
    }
