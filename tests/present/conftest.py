import pytest


@pytest.fixture(autouse=True, scope="module")
def _few_noise_draws(few_noise_draws: None) -> None:
    """The noise ceiling has tests of its own in `tests/statistics`."""


@pytest.fixture(autouse=True)
def _few_claims_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """So have the intervals of claims."""
    monkeypatch.setattr("ambivox.field_claims.claim.N_DRAWS", 199)
