"""What an audit costs.

    python -m benchmarks.audit A.onnx B.onnx [--photos 1000 20000]

A and B are classifiers of 224 x 224 pixels, such as a float model and its int8 copy: the time of a
drift audit beside both plain models. The memory is that of the demo's model.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from .growth import growth
from .pace import pace


def main() -> None:
    """Prints both."""
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs=2, type=Path)
    parser.add_argument("--photos", nargs="*", type=int, default=[1000, 20000])
    asked = parser.parse_args()
    print({name: round(value, 3) for name, value in pace(tuple(asked.models)).items()})
    for row in growth(tuple(asked.photos)):
        print({name: round(value, 1) for name, value in row.items()})


if __name__ == "__main__":
    main()
