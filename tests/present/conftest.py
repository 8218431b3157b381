from collections.abc import Iterator

import pytest

from tests.present.pages import Report, write


@pytest.fixture(autouse=True, scope="module")
def _few_noise_draws(few_noise_draws: None) -> None:
    """The noise ceiling has tests of its own in `tests/statistics`."""


@pytest.fixture(autouse=True, scope="module")
def _few_claims_draws() -> Iterator[None]:
    """So have the intervals of claims."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ambivox.field_claims.claim.N_DRAWS", 199)
        yield


@pytest.fixture(scope="module")
def usual(
    _few_noise_draws: None, _few_claims_draws: None, tmp_path_factory: pytest.TempPathFactory
) -> Report:
    """The run that is made where nothing else is said, and its page; nobody changes them."""
    return write(tmp_path_factory.mktemp("usual"))
