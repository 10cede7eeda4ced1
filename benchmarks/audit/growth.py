"""The memory of an audit of a thousand photos, and of many more, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

PHOTOS = 64
CODE = """
import json, resource, sys, time
from cam_core.audit import audit
from cam_core.demo import MODEL, PREPROCESS
from cam_core.image import PRESETS
table, out = sys.argv[1:]
begun = time.time()
found = audit(MODEL, table, out, reference=MODEL, preprocess=PRESETS[PREPROCESS])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"photos": len(found.table), "MB": peak, "s": time.time() - begun}))
"""


def growth(counts: tuple[int, ...]) -> list[dict[str, float]]:
    """Of each number of photos the peak of the process, the verdict and all statistics included."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        names = write(folder)
        return [measured(folder, names, count) for count in counts]


def write(folder: Path) -> list[str]:
    """Photos that a table names again and again."""
    from PIL import Image

    rng = np.random.default_rng(0)
    names = [f"{i:02}.jpg" for i in range(PHOTOS)]
    for name in names:
        coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        coarse.resize((160, 160), Image.Resampling.BICUBIC).save(folder / name)
    return names


def measured(folder: Path, names: list[str], count: int) -> dict[str, float]:
    """One run."""
    table = folder / f"{count}.csv"
    rows = "".join(f"{names[i % PHOTOS]},{i % 9}\n" for i in range(count))
    table.write_text(f"path,label\n{rows}")
    call = [sys.executable, "-c", CODE, str(table), str(folder / f"out{count}")]
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found
