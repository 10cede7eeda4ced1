"""What it takes to go through the names of many photos: a folder, folders, tables."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

CODE = """
import json, sys, time, tracemalloc
from cam_core.audit.data import open_data
data = open_data(sys.argv[1])
begun = time.process_time()
count = sum(1 for _ in data)
seconds = time.process_time() - begun
tracemalloc.start()
sum(1 for _ in data)
held = tracemalloc.get_traced_memory()[1]
told = {"photos": count, "us a photo": 1e6 * seconds / count, "bytes a photo": held / count}
print(json.dumps(told))
"""


def listings(count: int) -> list[dict[str, float | str]]:
    """Each in a process of its own, of empty files."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        found: list[dict[str, float | str]] = []
        for name, path in written(folder, count).items():
            call = [sys.executable, "-c", CODE, str(path)]
            done = subprocess.run(call, capture_output=True, text=True, check=True)
            found.append({"listing": name, **json.loads(done.stdout.splitlines()[-1])})
        return found


def written(folder: Path, count: int) -> dict[str, Path | str]:
    """The same names as each of them."""
    import pyarrow
    import pyarrow.parquet

    names = [f"{i % 100:02d}/{i:09d}.jpg" for i in range(count)]
    for i in range(100):
        (folder / "classes" / f"{i:02d}").mkdir(parents=True)
    (folder / "flat").mkdir()
    for name in names:
        (folder / "classes" / name).touch()
        (folder / "flat" / name[3:]).touch()
    (folder / "table.csv").write_text("path,label\n" + "".join(f"{n},{n[:2]}\n" for n in names))
    columns = {"path": names, "label": [name[:2] for name in names]}
    pyarrow.parquet.write_table(pyarrow.table(columns), folder / "table.parquet")
    paths: dict[str, Path | str] = {
        "one folder": folder / "flat",
        "100 folders": folder / "classes",
        "a .csv": folder / "table.csv",
        "a .parquet": folder / "table.parquet",
        "100 folders by pyarrow": f"fsspec+file://{folder}/classes",
    }
    return paths
