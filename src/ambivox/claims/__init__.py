"""The claims of the field, put to the test on a run: effect, interval and verdict of each."""

from ambivox.claims.claim import Claim, Part, Verdict
from ambivox.claims.comparisons import Comparison
from ambivox.claims.findings import CorpusFindings, Findings, find

__all__ = ["Claim", "Comparison", "CorpusFindings", "Findings", "Part", "Verdict", "find"]
