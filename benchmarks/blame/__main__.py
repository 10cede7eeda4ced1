"""How much of a quantised model's drift a few tensors make, by blame and by SQNR.

    python -m benchmarks.blame [../shared/data] [--only NAME] [--keep-lists]

Of 64 photos 16 set the ranges of the quantiser, 24 rank the tensors and 24 others measure: the rms
of the difference of the float model's answer (its logit), and the lowest Spearman of the signed
maps. A set is the first 2, 4, ... tensors of a ranking, kept in float.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from click.testing import CliRunner

from cam_core.cli.group import gradcam

from .models import CALIBRATION, ROWS, Row, files_of

SHARE = 0.1
"""Of the tensors, that may be kept in float: the largest set below it."""


def measure(row: Row, data: Path, folder: Path) -> dict[str, Any]:
    """What the command says of one model, as its record."""
    plain, quantised = files_of(row, data, folder)
    photos = row.photos(data, data / "models" / row.file)[CALIBRATION:]
    batch, two = folder / "photos.npy", folder / "two.npy"
    np.save(batch, np.concatenate(photos))
    np.save(two, np.concatenate(photos[:2]))
    first = call(plain, quantised, two, 1)
    keep = max(1, int(SHARE * len(first["tensors"]) - 1e-9))
    found = call(plain, quantised, batch, keep)
    return found | {"files": (plain, quantised), "photos_given": photos}


def call(plain: Path, quantised: Path, batch: Path, keep: int) -> dict[str, Any]:
    """`gradcam blame`, in this process."""
    arguments = ["blame", plain, quantised, batch, "--keep", keep, "--json"]
    done = CliRunner().invoke(gradcam, [str(a) for a in arguments])
    assert done.exit_code in (0, 1), done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def cells(row: Row, found: Mapping[str, Any]) -> list[str]:
    """A row of the table."""
    point = next(p for p in found["curve"] if p["kept"] == len(found["proposed"]))
    before = found["before"]
    draws = sorted(found["random_rms"])
    ratio = point["blame"]["rms"] / before["rms"]
    return [
        row.name,
        row.kind,
        f"{point['kept']} of {len(found['tensors'])}",
        f"{before['rms']:.3g}",
        f"**{point['blame']['rms']:.3g}**" if ratio <= 0.5 else f"{point['blame']['rms']:.3g}",
        f"{point['sqnr']['rms']:.3g}",
        f"{draws[0]:.3g} to {draws[-1]:.3g}",
        *(_map(one) for one in (before, point["blame"], point["sqnr"])),
    ]


HEAD = ("model", "kind", "kept", "drift", "by blame", "by SQNR", "at random")
MAPS = ("worst map", "by blame", "by SQNR")


def _map(one: Mapping[str, Any]) -> str:
    return "-" if one["worst_map"] is None else f"{one['worst_map']:.3f}"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="?", default=Path("../shared/data"))
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    print(f"| {' | '.join((*HEAD, *MAPS))} |")
    print(f"|{' --- |' * 3}{' ---: |' * 7}")
    for row in (r for r in ROWS if asked.only in r.name):
        with tempfile.TemporaryDirectory() as folder:
            print(
                f"| {' | '.join(cells(row, measure(row, asked.data, Path(folder))))} |", flush=True
            )


if __name__ == "__main__":
    main()
