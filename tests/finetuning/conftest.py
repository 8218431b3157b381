from pathlib import Path

import pytest
import torch

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
def _no_curves(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture takes a third of the time of so short a training: only who asks for `curves` gets one."""
    if "curves" not in request.fixturenames:
        monkeypatch.setattr("ambivox.finetuning.result.draw_curves", lambda *_, **__: None)


@pytest.fixture
def curves() -> None:
    """Draw the curves of a training."""
