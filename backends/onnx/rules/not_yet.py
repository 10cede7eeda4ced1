"""Operators of ai.onnx that have a derivative but no rule here yet, each with what it is.

With the rules and ZERO this table holds every operator exactly once: test_completeness.py.
"""

from __future__ import annotations

SEQUENCE = "a sequence that only the run time knows; export without lists"

NOT_YET = (
    dict.fromkeys(
        ("SequenceAt", "SequenceConstruct", "SequenceEmpty", "SequenceErase", "SequenceInsert"),
        SEQUENCE,
    )
    | dict.fromkeys(("SplitToSequence", "ConcatFromSequence", "SequenceMap"), SEQUENCE)
    | {"MaxRoiPool": "the pooling of rounded regions before RoiAlign; export with RoiAlign"}
    | dict.fromkeys(("Optional", "OptionalGetElement"), "an optional value; export without it")
)
"""Operator -> what it is, and what to do."""
