from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from ambivox.corpora import Corpus, Utterance, load_iemocap
from ambivox.inspection import CorpusCheck, check_corpus
from tests.corpora.trees import SMALL, write_iemocap, write_wav


def checked(*utterances: Utterance) -> dict[str, CorpusCheck]:
    return {check.name: check for check in check_corpus(Corpus("made-up", "CC0", utterances))}


def clip(folder: Path, name: str, seconds: float = 1.0, **facts: object) -> Utterance:
    write_wav(folder / f"{name}.wav", seconds)
    return Utterance(name, folder / f"{name}.wav", votes={"sad": 1}, **facts)  # type: ignore[arg-type]


def test_a_whole_copy_passes(tmp_path: Path) -> None:
    found = checked(clip(tmp_path, "a"), clip(tmp_path, "b", 2.0))
    assert all(check.passed for check in found.values())
    assert found["durations plausible"].detail == "1.00 to 2.00 s, median 1.50 s, 0.00 h in all"


def test_missing_broken_and_pulled_files_are_told_apart(tmp_path: Path) -> None:
    clips = [clip(tmp_path, name) for name in "abcd"]
    clips[0].audio.unlink()
    clips[1].audio.write_bytes(clips[1].audio.read_bytes()[:2_000])
    clips[2].audio.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4057953\n")
    found = checked(*clips)
    assert not found["audio present"].passed
    assert found["audio present"].detail == "3 of 4 clips; without: a"
    assert not found["audio readable"].passed
    assert "2 not" in found["audio readable"].detail
    assert "truncated" in found["audio readable"].detail
    assert "git lfs pull" in found["audio readable"].detail
    assert found["audio readable"].fix


def test_implausible_lengths_and_rates_are_named(tmp_path: Path) -> None:
    phone = clip(tmp_path, "phone")
    soundfile.write(phone.audio, soundfile.read(phone.audio)[0], 8_000)
    found = checked(clip(tmp_path, "endless", 61.0), clip(tmp_path, "fine"), phone)
    assert not found["durations plausible"].passed
    assert "1 over 60 s: endless" in found["durations plausible"].detail
    assert not found["sample rates"].passed
    assert found["sample rates"].detail == "8000 Hz: 1, 16000 Hz: 2"


def test_what_a_run_would_refuse_is_refused_here(tmp_path: Path) -> None:
    outside = clip(tmp_path, "outside", start_s=0.5, end_s=1.5)
    found = checked(clip(tmp_path, "tiny", 0.01), outside, clip(tmp_path, "fine"))
    for utterance, message in (
        (tmp_path / "tiny.wav", "0.01 s of audio"),
        (outside.audio, "end 1.5 s is outside"),
    ):
        assert f"{utterance}: {message}" in found["audio readable"].detail


def test_digital_silence_fails_and_what_is_merely_odd_does_not(tmp_path: Path) -> None:
    silent, loud = clip(tmp_path, "silent"), clip(tmp_path, "loud")
    soundfile.write(silent.audio, np.zeros(16_000), 16_000)
    soundfile.write(loud.audio, np.clip(10 * soundfile.read(loud.audio)[0], -1, 1), 16_000)
    found = checked(silent, loud)
    assert not found["audio holds sound"].passed
    assert "1 of digital silence: silent" in found["audio holds sound"].detail
    assert found["audio: clipped"].passed
    assert found["audio: clipped"].caution
    assert "1 of 2 clips: loud; loud: " in found["audio: clipped"].detail


def test_clips_without_any_label_are_named(tmp_path: Path) -> None:
    bare = Utterance("bare", clip(tmp_path, "x").audio)
    acted = Utterance("acted", bare.audio, intended="sad")
    found = checked(bare, acted, clip(tmp_path, "b"))
    assert not found["a label for every clip"].passed
    assert "without: bare" in found["a label for every clip"].detail
    assert found["votes"].passed
    assert "these cannot be scored" in found["votes"].detail


def test_what_the_loader_found_fails_where_it_can_be_mended(tmp_path: Path) -> None:
    root = write_iemocap(tmp_path, SMALL, newline="\r\n")
    found = {check.name: check for check in check_corpus(load_iemocap(root, require_audio=False))}
    assert not found["sessions that are missing, of 5"].passed
    assert found["sessions that are missing, of 5"].fix == "unpack the whole release"
    assert found["files whose lines end in CRLF"].passed


def test_an_empty_corpus_does_not_pass() -> None:
    assert not all(check.passed for check in checked().values())
