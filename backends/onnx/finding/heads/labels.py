"""The names of the classes where the file itself puts them in the place of numbers.

Label encoders, maps by name (ZipMap) and tables of names, as the specification of ai.onnx.ml has
them; many write the numbers 0, 1, 2, ... there, which name nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cam_core.foreign import UNREADABLE, in_class_order

from ...reading.graph import Graph, Node, Tensor

TABLES = {"Gather": 0, "ArrayFeatureExtractor": 0}
"""Operators that look numbers up in one of their inputs."""


@dataclass(frozen=True)
class Labels:
    """What is written instead of the numbers of classes."""

    by_number: Mapping[int, Any]
    where: str
    """The operator and its node, in words."""

    @property
    def names(self) -> tuple[str, ...]:
        """By class; none where they are but the classes' numbers, or no classes."""
        if all(str(name) == str(number) for number, name in self.by_number.items()):
            return ()
        try:
            return in_class_order(self.by_number)
        except UNREADABLE:
            return ()


def labels_at(graph: Graph, node: Node, after: Labels | None = None) -> Labels | None:
    """The names that a node puts in the place of numbers; None: it is no such node.

    `after`: the names behind it, where what it makes is numbers that are looked up again.
    """
    try:
        table = _table(graph, node)
    except UNREADABLE:  # keys without values
        return None
    if table is None:
        return None
    own = Labels(table, f"{node.op} (node '{node.name or node.outputs[0].name}')")
    if after is None:
        return own
    return Labels({i: after.by_number.get(to, "") for i, to in table.items()}, after.where)


def names_rows(graph: Graph, node: Node) -> bool:
    """Does a Gather look up, by numbers that the model makes, one of a list of names?"""
    if node.op != "Gather" or node.inputs[1].name not in graph.producer:
        return False
    kept = _content(graph, node.inputs[0])
    return kept is not None and kept.ndim == 1 and kept.dtype.kind in "OSU"


def _table(graph: Graph, node: Node) -> dict[int, Any] | None:
    if node.op == "ZipMap":
        return dict(enumerate(_attribute(node, "classlabels")))
    if node.op == "LabelEncoder":
        keys, values = _attribute(node, "keys"), _attribute(node, "values")
        return {int(key): value for key, value in zip(keys, values, strict=True)}
    if node.op not in TABLES:
        return None
    kept = _content(graph, node.inputs[TABLES[node.op]])
    if kept is None or kept.dtype.kind not in "OSUiu":
        return None
    return dict(enumerate(_text(value) for value in kept.ravel().tolist()))


def _attribute(node: Node, name: str) -> Sequence[Any]:
    """Of several that one of a type is for, the one that is there: keys_int64s, keys_tensor."""
    found = [value for key, value in node.attrs.items() if key.startswith(f"{name}_")]
    values = getattr(found[0], "values", found[0]) if found else ()
    return [_text(value) for value in np.asarray(values).ravel().tolist()]


def _content(graph: Graph, tensor: Tensor) -> np.ndarray[Any, Any] | None:
    """Of a constant; strings are kept by none of the usual ways."""
    maker = graph.producer.get(tensor.name)
    if maker is not None and maker.op == "Constant":
        (value,) = maker.attrs.values()
        return np.asarray(getattr(value, "values", value))
    known = graph.value(tensor)
    try:
        return graph.weight(tensor) if known is None else known
    except UNREADABLE:  # names that are no text
        return None


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value
