"""Which method is best on a model and photos of one's own: by metrics, with intervals and ties."""

from .case import Case, measure, rankable, require
from .cost import Cost, Costs, cost
from .order import Ranked, fewest, ranked
from .sanity import checked
from .seen import Seen
from .tally import Tally, agreed

__all__ = [
    "Case",
    "Cost",
    "Costs",
    "Ranked",
    "Seen",
    "Tally",
    "agreed",
    "checked",
    "cost",
    "fewest",
    "measure",
    "rankable",
    "ranked",
    "require",
]
