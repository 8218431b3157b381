"""The sound files of a folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ambivox.audio import sound_files
from ambivox.errors import AudioError


def test_a_folder_that_cannot_be_listed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> Iterator[Path]:
        yield Path("/music/a.wav")
        raise OSError(22, "Invalid argument", "/music/proc")

    monkeypatch.setattr(Path, "rglob", fails)
    with pytest.raises(AudioError, match=r"^/music/proc: cannot be listed \(Invalid argument\)"):
        sound_files("/music")
