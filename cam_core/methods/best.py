"""What `--method best` stands for: what the tables of docs/methods.md put first, and the evidence.

Energy in box decides. Where the top is a tie the usual method of it stays, and the tie is said.
"""

from __future__ import annotations

from typing import NamedTuple

from ..head import Head, Reads


class Best(NamedTuple):
    """A row: the method of a kind of head."""

    method: str
    head: str
    """Of what, in words."""
    evidence: str
    """What the tables say of it there."""

    @property
    def why(self) -> str:
        """In one line."""
        return f"{self.head}: {self.evidence}"


ATTENDING = Best(
    "gradrollout",
    "the model attends over the picture in two blocks or more",
    "first by energy in box",
)
READING: dict[Reads, Best] = {
    "mean": Best(
        "hirescam",
        "the head takes a mean of the layer",
        "a tie for first by energy in box, with gradcam and xgradcam",
    ),
    "maximum": Best(
        "eigengradcam",
        "the head takes a maximum of the layer",
        "first by energy in box (by insertion and deletion xgradcam is)",
    ),
    "flattened": Best(
        "eigengradcam",
        "two layers or more read the flattened layer",
        "first by energy in box, and in ties by insertion and deletion",
    ),
    "windows": Best(
        "gradcam++",
        "the model attends within windows",
        "a tie for first by energy in box, with odam",
    ),
}
"""Of classes, labels and values, by what takes the places of the layer away."""
OTHERWISE = Best(
    "hirescam", "how the head reads the layer is none of those measured", "exact if it is linear"
)
CLASSES = ("classes", "multi-label", "binary")
OF_KIND = {
    "boxes": Best(
        "hirescam", "boxes of a detector", "first by energy in box, on photos a tie with layercam"
    ),
    "dense classes": Best(
        "hirescam", "a region of classes", "less than 0.01 of energy in box behind the first, odam"
    ),
    "embedding": Best(
        "hirescam", "an embedding", "a tie for first by energy in box, with gradcam and cam"
    ),
    "sequence": Best("layercam", "a reader of lines", "what suits characters, docs/targets.md"),
}
"""By kind of head, whatever reads the layer."""


def best_methods(head: Head | None, reads: Reads = "", *, attends: bool = False) -> list[Best]:
    """The rows that fit a score, the first choice first; the next where a model cannot do it.

    Args:
        head: of the score.
        reads: how it reads the layer.
        attends: is the model a transformer over the picture?
    """
    kind = "classes" if head is None else head.asked
    if kind not in CLASSES:
        return [OF_KIND.get(kind, OTHERWISE)]
    found = [*([ATTENDING] if attends else []), READING.get(reads, OTHERWISE)]
    return found if found[-1].method == OTHERWISE.method else [*found, OTHERWISE]


def may_be(head: Head | None) -> set[str]:
    """All methods that it may turn out to be, before anything else is known of the model."""
    return {row.method for reads in READING for row in best_methods(head, reads, attends=True)}
