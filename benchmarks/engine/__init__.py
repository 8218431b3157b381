"""How fast a model answers a study, beside the ways that others take and the least that it has to cost."""

from benchmarks.engine.measure import Plan, bench
from benchmarks.engine.table import show

__all__ = ["Plan", "bench", "show"]
