"""What an audit of millions of photos costs.

    python -m benchmarks.scale photos --folder PHOTOS
    python -m benchmarks.scale engines [--names here local ray] [--photos 512 2048] [--workers 2]
    python -m benchmarks.scale listing [--photos 100000]
    python -m benchmarks.scale report [--photos 100000 1000000] [--alone]

The engines run a drift audit of the demo's model; rows and listings are made up. `--alone`: rows of
one model.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def main() -> None:
    """Prints a line a measurement."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["photos", "engines", "listing", "report"])
    parser.add_argument("--names", nargs="*", default=["here", "local", "ray"])
    parser.add_argument("--photos", nargs="*", type=int)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--alone", action="store_true")
    for row in measured(parser.parse_args()):
        print({name: round(v, 2) if isinstance(v, float) else v for name, v in row.items()})


def measured(asked: argparse.Namespace) -> Iterable[Mapping[str, Any]]:
    """What was asked for."""
    if asked.what == "photos":
        from .photos import photos

        return [photos(asked.folder)]
    if asked.what == "engines":
        from .engines import engines

        return engines(asked.names, asked.photos or [512, 2048], asked.workers)
    if asked.what == "listing":
        from .listing import listings

        return [row for count in asked.photos or [100_000] for row in listings(count)]
    from .report import reports

    return reports(asked.photos or [100_000, 1_000_000], reference=not asked.alone)


if __name__ == "__main__":
    main()
