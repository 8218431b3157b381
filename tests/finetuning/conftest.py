from pathlib import Path

import pytest
import torch

from ambivox.finetuning.result import METRICS
from tests.finetuning.material import checkpoint, corpus

torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="module")
def _few_noise_draws(few_noise_draws: None) -> None:
    """The noise ceiling has tests of its own in `tests/statistics`."""


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Qwen2-Audio of a few thousand random weights that hears 2 s."""
    return checkpoint(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16 rated tones of 4 speakers."""
    return corpus(tmp_path_factory.mktemp("tones"))


@pytest.fixture(autouse=True)
def _without_what_takes_longest(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measuring a result and drawing its curves take half of so short a training: only who asks gets them."""
    if "curves" not in request.fixturenames:
        monkeypatch.setattr("ambivox.finetuning.result.draw_curves", lambda *_, **__: None)
        if "measured" not in request.fixturenames:
            monkeypatch.setattr(
                "ambivox.finetuning.run.describe", lambda _, folder: (folder / METRICS).write_text("{}")
            )


@pytest.fixture
def measured() -> None:
    """Measure the result of a training."""


@pytest.fixture
def curves() -> None:
    """Measure the result of a training and draw its curves."""
