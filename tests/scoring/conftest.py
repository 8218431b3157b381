import shutil
from pathlib import Path

import pytest

from ambivox.run import run_study
from ambivox.run_folder import Run
from tests.run.conftest import study, write_study
from tests.run.toy import ToyModel

__all__ = ["study"]


@pytest.fixture(autouse=True, scope="module")
def _few_noise_draws(few_noise_draws: None) -> None:
    """The noise ceiling has tests of its own in `tests/statistics`."""


@pytest.fixture(scope="session")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The study of `tests.run`, answered by the toy model; nobody changes it."""
    folder = tmp_path_factory.mktemp("answered")
    return run_study(write_study(folder), folder / "out", models=[ToyModel()])


@pytest.fixture
def run(answered: Run, tmp_path: Path) -> Run:
    """A copy of it, to be changed."""
    return Run(shutil.copytree(answered.folder, tmp_path / "out"))
