"""Sessions of onnxruntime and what one run of them is; loads NumPy and onnxruntime only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime as ort

if TYPE_CHECKING:
    import onnx

TOP = np.array([-1])
"""The class that is fed: each row's top one."""


def session(model: Path | onnx.ModelProto, threads: int) -> ort.InferenceSession:
    """A CPU session whose threads do not spin: spinning ones slow the next session down."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    given = str(model) if isinstance(model, Path) else model.SerializeToString()
    return ort.InferenceSession(given, options, providers=["CPUExecutionProvider"])


def runner(run: ort.InferenceSession, batch: int = 1, **extra: Any) -> Callable[[], Any]:
    """One run with pictures of the model's own size; `extra` is fed beside them."""
    image = run.get_inputs()[0]
    kind = np.float16 if image.type == "tensor(float16)" else np.float32
    rows, *rest = image.shape
    shape = [rows if isinstance(rows, int) else batch]
    shape += [d if isinstance(d, int) else 1 for d in rest]
    feed = {image.name: picture(tuple(shape), kind)} | extra
    return lambda: run.run(None, feed)


def picture(shape: tuple[int, ...], kind: Any = np.float32) -> Any:
    """Seeded noise."""
    return np.random.default_rng(0).normal(size=shape).astype(kind)
