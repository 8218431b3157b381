"""The claims of the field, put to the test on a run: effect, interval and verdict of each."""

from ambivox.field_claims.claim import Claim, Part, Verdict
from ambivox.field_claims.comparisons import Comparison
from ambivox.field_claims.plan import CorpusPlan, Plan, PlannedClaim, plan_claims
from ambivox.field_claims.tested import CorpusClaims, RunClaims, claims, claims_of_readings

__all__ = [
    "Claim",
    "Comparison",
    "CorpusClaims",
    "CorpusPlan",
    "Part",
    "Plan",
    "PlannedClaim",
    "RunClaims",
    "Verdict",
    "claims",
    "claims_of_readings",
    "plan_claims",
]
