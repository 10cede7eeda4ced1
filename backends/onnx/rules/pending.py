"""Operators of ai.onnx that have a derivative but no rule here yet, each with what it is.

With the rules and ZERO this table holds every operator exactly once (tests/test_completeness.py).
"""

from __future__ import annotations

NOT_YET = (
    dict.fromkeys(("SequenceMap",), "a sequence of tensors; export without lists")
    | dict.fromkeys(
        ("QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger"),
        "integer arithmetic, planned; quantise to the QDQ form instead",
    )
    | dict.fromkeys(("MaxRoiPool",), "pooling of a detector's regions, planned")
    | dict.fromkeys(
        ("SequenceAt", "SequenceConstruct", "SequenceEmpty", "SequenceErase", "SequenceInsert"),
        "a sequence of tensors; export without lists",
    )
    | dict.fromkeys(
        ("SplitToSequence", "ConcatFromSequence"), "a sequence of tensors; export without lists"
    )
    | dict.fromkeys(("Optional", "OptionalGetElement"), "an optional value; export without it")
)
"""Operator -> what it is, and what to do."""
