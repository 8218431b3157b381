"""Readings that wait in files are those that wait in memory."""

import errno
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ambivox.errors import AmbivoxError
from ambivox.run import Run
from ambivox.scoring import incoming, read_run, score
from tests.present.runs import Made, make_run


def say(clip: int, prompt: str, votes: np.ndarray[Any, Any]) -> str | None:
    """Some requests fail as a whole, some answers cannot be read, and the rest is right."""
    if clip % 7 == 0:
        return None
    return "I cannot tell" if clip % 5 == 0 else None if prompt == "dictionary" else "angry"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path / "run", Made(clips=24, controls=("clip", "no-audio"), say=say))


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize("held", [1, 3, 7, 24, 10_000])
def test_files_keep_what_memory_keeps(
    run: Run, temporary: Path, monkeypatch: pytest.MonkeyPatch, held: int
) -> None:
    [whole], table = read_run(run).corpora, score(run).to_dict()
    monkeypatch.setattr(incoming, "HELD", held)
    [found] = read_run(run).corpora
    assert len(found.readings) == len(whole.readings)
    for one, other in zip(found.readings, whole.readings, strict=True):
        for name in ("clips", "variants", "p", "mass", "forms_shift", "status_codes"):
            a, b = getattr(one, name), getattr(other, name)
            assert a.dtype == b.dtype
            assert a.shape == b.shape
            assert a.tobytes() == b.tobytes()
        assert one.reasons == other.reasons
        assert one.conditions == other.conditions
    assert score(run).to_dict() == table
    assert list(temporary.iterdir()) == []


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk on which nothing can be put behind anything."""
    opened = Path.open

    def no_space(path: Path, mode: str = "r", *args: Any, **options: Any) -> Any:
        if "a" in mode:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return opened(path, mode, *args, **options)

    monkeypatch.setattr(Path, "open", no_space)


@pytest.mark.usefixtures("full")
def test_a_small_run_waits_in_memory(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    assert read_run(run).corpora


@pytest.mark.usefixtures("full")
def test_a_full_disk_is_one_line_and_leaves_nothing(
    run: Run, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incoming, "HELD", 3)
    with pytest.raises(AmbivoxError, match=r"No space left on device.*set TMPDIR") as error:
        read_run(run)
    assert "\n" not in str(error.value)
    assert list(temporary.iterdir()) == []


def test_no_folder_for_temporary_files_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming, "HELD", 3)
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with pytest.raises(AmbivoxError, match=r"No such file or directory.*set TMPDIR"):
        read_run(run)
