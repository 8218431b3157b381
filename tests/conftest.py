"""What every test may use: the folder of real clips, and hypothesis settings that fit CI."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from ambivox.corpora import Corpus

# CI draws the same examples every time, so that what fails there fails here; elsewhere they are new ones.
settings.register_profile(
    "ambivox", deadline=None, max_examples=50, derandomize=os.environ.get("CI") == "true"
)
settings.load_profile("ambivox")

REPOSITORY = Path(__file__).resolve().parents[1]

SLOW = (
    "app",
    "audio/test_damage.py",
    "audio/test_ffmpeg.py",
    "benchmarks",
    "cli",
    "corpora/test_exports.py",
    "finetuning",
    "golden",
    "inspection/test_server.py",
    "metrics/test_classification.py",
    "metrics/test_linearised.py",
    "metrics/test_torchmetrics_reference.py",
    "models",
    "present",
    "raters/test_truth.py",
    "readouts/answers/test_answer_grammar.py",
    "readouts/answers/test_long_texts.py",
    "readouts/test_sequence.py",
    "recipes",
    "run",
    "scoring",
    "statistics/test_interval.py",
    "statistics/test_prior.py",
    "statistics/test_simulated_studies.py",
    "test_example_plugin.py",
    "test_main_job.py",
    "test_plugins.py",
    "test_public.py",
    "testing",
)
"""What runs a model or another process, imports torch, or draws many studies or answers: all marked slow."""


def is_slow(path: Path) -> bool:
    """Whether a file or folder of tests is under `SLOW`."""
    tests = Path(__file__).parent
    return any(path == tests / name or path.is_relative_to(tests / name) for name in SLOW)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where only the quick tests are asked for, do not even import the slow ones: many import torch."""
    return True if config.option.markexpr == "not slow" and is_slow(collection_path) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies under `SLOW`, and let it begin; single tests elsewhere are marked where they stand."""
    slow = {path for path in {item.path for item in items} if is_slow(path)}
    for item in items:
        if item.path in slow:
            item.add_marker("slow")
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    """What collecting has loaded stays until the end: no search for garbage need walk it again (1 s each)."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The real clips and votes; ``AMBIVOX_TEST_DATA`` says where, ``../shared/data`` is the default."""
    folder = Path(os.environ.get("AMBIVOX_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
    if folder.is_dir():
        return folder
    if os.environ.get("CI") == "true":
        pytest.fail(f"{folder}: the real clips are missing; set AMBIVOX_TEST_DATA")
    pytest.skip(f"{folder}: no real clips here; set AMBIVOX_TEST_DATA to the folder that holds them")


@pytest.fixture(scope="session")
def rated_crema_d(data_dir: Path) -> "Corpus":
    """All 7,442 rated clips of CREMA-D, 12 of them with audio; nothing of a corpus can be changed."""
    from ambivox.corpora import load_crema_d

    return load_crema_d(data_dir / "crema-d", require_audio=False)


@pytest.fixture(scope="session")
def cases_dir(data_dir: Path) -> Path:
    """Inputs from the field that once went wrong, beside the folder of real clips."""
    folder = data_dir.parent / "cases"
    if not folder.is_dir():
        pytest.skip(f"{folder}: no cases here")
    return folder


@pytest.fixture(scope="module")
def few_noise_draws() -> Iterator[None]:
    """A noise ceiling that is drawn roughly, for tests of something else: it is most of a score's cost."""
    from ambivox.scoring import noise_ceiling

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(noise_ceiling, "NOISE_READINGS", 400)
        patch.setattr(noise_ceiling, "LEAST_DRAWS", 4)
        patch.setattr(noise_ceiling, "MOST_DRAWS", 4)
        noise_ceiling.redrawn.cache_clear()
        yield
        noise_ceiling.redrawn.cache_clear()
