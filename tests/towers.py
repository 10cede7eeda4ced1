"""Models of two pictures, of few operators: y^c and y^(c+3) are both means of channel c, added."""

from __future__ import annotations

import onnx
import onnx.parser

TOWERS = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N,3,16,16] left, float[N,3,8,8] right) => (float[N,6] y)
{
  lp = AveragePool<kernel_shape = [4,4], strides = [4,4]>(left)
  la = Relu(lp)
  lg = GlobalAveragePool(la)
  lf = Flatten(lg)
  rp = AveragePool<kernel_shape = [2,2], strides = [2,2]>(right)
  ra = Relu(rp)
  rg = GlobalAveragePool(ra)
  rf = Flatten(rg)
  s = Add(lf, rf)
  y = Concat<axis = 1>(s, s)
}"""
"""Layers la and ra, 4 x 4 cells each."""
MEAN = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N,3,16,16] left, float[N,3,8,8] right) => (float[N,6] y)
{
  lp = AveragePool<kernel_shape = [4,4], strides = [4,4]>(left)
  la = Relu(lp)
  lg = GlobalAveragePool(la)
  lf = Flatten(lg)
  rg = GlobalAveragePool(right)
  rf = Flatten(rg)
  s = Add(lf, rf)
  y = Concat<axis = 1>(s, s)
}"""
"""The right one has no map."""


def written(text: str) -> bytes:
    """The bytes of a file."""
    found: bytes = onnx.parser.parse_model(text).SerializeToString()
    return found
