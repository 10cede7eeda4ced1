"""An instrumented file fed and read by its own record: Pillow, NumPy and onnxruntime alone.

python examples/record/read_record.py model.cam.onnx photo.jpg
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import onnxruntime as ort
from PIL import Image


def opened(path: str) -> tuple[ort.InferenceSession, dict[str, Any]]:
    """The session, and the record of how it is fed and read."""
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session, json.loads(session.get_modelmeta().custom_metadata_map["cam.record"])


def placed(photo: tuple[int, int], p: dict[str, Any]) -> tuple[Any, Any, Any]:
    """What of the photo is seen (left, top, right, bottom), its size in the input, and where."""
    (H, W), (h, w) = photo, p["size"]
    if p["fit"] in ("letterbox", "corner"):
        ratio = min(h / H, w / W)
        inner = max(1, min(h, round(H * ratio))), max(1, min(w, round(W * ratio)))
        spare = (h - inner[0]) // 2, (w - inner[1]) // 2
        return (0, 0, W, H), inner, spare if p["fit"] == "letterbox" else (0, 0)
    if p["fit"] == "stretch":
        side = p["resize"]
        tall, wide = (
            (h, w) if side is None else (round(h * side / min(h, w)), round(w * side / min(h, w)))
        )
    else:
        margin, side = p["margin"], p["resize"]
        a, b = (round(h * margin), round(w * margin)) if side is None else (side, side)
        tall, wide = (a, max(b, a * W // H)) if a * W >= b * H else (max(a, b * H // W), b)
    top, left, sy, sx = round((tall - h) / 2), round((wide - w) / 2), H / tall, W / wide
    return (left * sx, top * sy, (left + w) * sx, (top + h) * sy), (h, w), (0, 0)


def fed(photo: Any, p: dict[str, Any], kind: str) -> Any:
    """The input of a photo uint8 [H, W, 3]; p: `inputs[i].picture`, kind: `inputs[i].type`."""
    box, (height, width), (top, left) = placed(photo.shape[:2], p)
    picture = Image.fromarray(photo).convert("L" if p["order"] == "grey" else "RGB")
    pixels = picture.resize((width, height), Image.Resampling[p["resample"].upper()], box=box)
    canvas = np.full((*p["size"], p["channels"]), p["pad"], np.uint8)
    canvas[top : top + height, left : left + width] = np.asarray(pixels).reshape(height, width, -1)
    colours = canvas[..., ::-1] if p["order"] == "BGR" else canvas
    mean, std = (np.mean(p[k]) if p["channels"] == 1 else np.array(p[k]) for k in ("mean", "std"))
    x = (colours * np.float64(p["scale"]) - mean) / std
    x = x.transpose(2, 0, 1) if "CHW" in p["layout"] else x
    if np.issubdtype(kind, np.integer):
        x = np.clip(np.rint(x), np.iinfo(kind).min, np.iinfo(kind).max)
    return (x[None] if p["layout"].startswith("N") else x).astype(kind)


def main(path: str, photo: str) -> None:
    """Prints what there is to say of the top class."""
    session, record = opened(path)
    first = next(one for one in record["inputs"] if one["picture"] is not None)
    pixels = np.array(Image.open(photo).convert("RGB"))
    feed = {first["name"]: fed(pixels, first["picture"], first["type"])}
    feed |= {one["name"]: np.array([-1]) for one in record["given"] if one["what"] == "class"}
    (found,) = session.run(["cam_map"], feed)
    print(f"{first['picture']['description']}: map {found.shape}, maximum {found.max():.3g}")


if __name__ == "__main__":
    main(*sys.argv[1:])
