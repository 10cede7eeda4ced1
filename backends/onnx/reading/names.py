"""The names that an instrumented model promises its users, once: inputs, outputs, metadata."""

from __future__ import annotations

import re

PREFIX = "cam."
"""Of tensors and nodes that are added and promised to nobody, and of the metadata's keys."""

CLASS_INPUT = "cam_class"
COTANGENT_INPUT = "cam_cotangent"
ENABLE_INPUT = "cam_enable"
ROWS = "cam_rows"
"""The symbol of how many classes are fed."""

MAPPED = ("map", "signed", "heatmap", "alpha", "noise_floor", "stats")
"""Outputs that the method makes of a layer."""
PER_LAYER = (*MAPPED, "activations", "gradients")
"""Outputs that there is one of for each layer, numbered where there are several."""
PER_INPUT = ("input_gradients",)
"""Outputs that there is one of for each input, numbered where there are several."""
PER_TARGET = ("score", "class_used")
OF_MODEL = ("logits",)
"""Outputs that are the same whatever is explained: the scores of all classes."""
OF_TARGET = (*PER_TARGET, *PER_INPUT, "gradients")
"""Outputs that depend on what is explained, whatever the method."""
OUTPUTS = (
    *("map", "signed", "heatmap", "activations", "gradients", "alpha", "noise_floor", "stats"),
    *PER_TARGET,
    *PER_INPUT,
    *OF_MODEL,
)
"""What may be asked for; each becomes the output `cam_<name>`."""


def output_name(name: str, number: int | None = None) -> str:
    """How an output is called; `number`: of several layers or inputs."""
    return f"cam_{name}" if number is None else f"cam_{name}_{number}"


RESERVED = re.compile(
    "|".join((CLASS_INPUT, COTANGENT_INPUT, ENABLE_INPUT))
    + f"|{'|'.join(map(output_name, (*PER_TARGET, *OF_MODEL)))}"
    + rf"|cam_({'|'.join((*PER_LAYER, *PER_INPUT))})(_\d+)?"
)
"""The tensors that an instrumented model may add, so that no model may own them."""

VERSION = "cam.version"
LAYER = "cam.layer"
SCORE = "cam.score"
METHOD = "cam.method"
"""With its options, as `legrad:blocks=1`."""
TARGET = "cam.target"
FUSE = "cam.fuse"
"""How the maps of several layers were made one."""
LAYOUT = "cam.layout"
STATS = "cam.stats"
"""Name and unit of each number of `cam_stats`, in order."""
LABELS = "cam.labels"
PREPROCESS = "cam.preprocess"
RECORD = "cam.record"
"""How the file is fed and read, as JSON: see `instrumenting.described`."""
SOURCE_SHA256 = "cam.source_sha256"
IR_RAISED = "cam.ir_raised"
"""What a model below IR 4 was before it was raised."""
INLINED = "cam.inlined"
"""The local functions that were written out."""
STATIC = "cam.static"
"""The dynamic shapes that were fixed."""
OPENED = "cam.opened"
"""The declarations in which -1 or 0 stood for an open extent."""
ADDED = "cam.added"
"""How much was added to each field of the graph: the way back."""
OWN = "cam.own"
"""The source's own entries of these keys, set aside."""
