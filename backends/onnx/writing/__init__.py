"""Operators that are asked for become nodes, in the spelling of the model's own opset."""
