"""Operators whose derivative is zero wherever it exists, each with the reason.

What is neither here nor in the table of rules is an error, so that no path is lost in silence.
"""

from __future__ import annotations

from ..reading.kinds import RANDOM
from .registry import zero

zero("Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", why="a comparison")
zero("Not", "And", "Or", "Xor", "IsInf", "IsNaN", why="logic")
zero("BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot", "BitCast", why="bits")
zero("Sign", "Floor", "Ceil", "Round", why="a staircase")
zero("ArgMax", "ArgMin", "NonZero", "NonMaxSuppression", why="gives positions")
zero("Hardmax", why="places ones by position")
zero("Shape", "Size", why="reads the shape only")
zero("Constant", "ConstantOfShape", "EyeLike", why="a constant")
zero(*sorted(op for domain, op in RANDOM if not domain), why="a random draw")
zero("BlackmanWindow", "HannWindow", "HammingWindow", "MelWeightMatrix", why="made of sizes")
zero("ImageDecoder", "TfIdfVectorizer", why="reads bytes or words")
zero("RegexFullMatch", "StringConcat", "StringNormalizer", "StringSplit", why="works on words")
zero("TreeEnsembleClassifier", "TreeEnsembleRegressor", "TreeEnsemble", domain="ai.onnx.ml",
     why="trees are stairs")  # fmt: skip
zero("OptionalHasElement", "SequenceLength", why="counts")
