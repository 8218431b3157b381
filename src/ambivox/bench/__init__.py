"""How fast a model answers a study, beside the ways that others take and the least that it has to cost."""

from ambivox.bench.measure import Plan, bench
from ambivox.bench.table import show

__all__ = ["Plan", "bench", "show"]
