"""How alike two maps are."""

from .correlation import pearson, spearman
from .structure import ssim

__all__ = ["pearson", "spearman", "ssim"]
