from __future__ import annotations

import re
from pathlib import Path

import soundfile as sf

from ambivox.audio import SAMPLE_RATE_HZ, load_audio
from ambivox.corpora import load_manifest
from ambivox.emotions import load_emotions
from ambivox.raters.distribution import count_votes

CLIPS = Path(__file__).parents[1] / "examples" / "clips"


def test_example_clips_are_short_small_and_at_the_rate_of_models() -> None:
    paths = sorted(CLIPS.glob("*.flac"))
    assert len(paths) == 5
    assert sum(path.stat().st_size for path in paths) < 400_000
    for path in paths:
        assert sf.info(path).samplerate == SAMPLE_RATE_HZ
        assert 1 < len(load_audio(path)) / SAMPLE_RATE_HZ <= 4


def test_every_example_clip_has_votes_within_cremad6() -> None:
    corpus = load_manifest(CLIPS / "manifest.csv")
    assert {u.audio.name for u in corpus} == {path.name for path in CLIPS.glob("*.flac")}
    assert len({u.speaker for u in corpus}) == 3
    for utterance in corpus:
        votes = count_votes(utterance.votes, load_emotions("cremad6"))
        assert votes.total == 9
        assert not votes.outside


def test_the_readme_of_the_clips_tells_the_votes_of_the_manifest() -> None:
    told = {
        row[1]: {label: int(n) for n, label in re.findall(r"(\d) (\w+)", row[2])}
        for row in re.finditer(
            r"`(\w+)\.flac`.*\| ([^|]+) \|$", (CLIPS / "README.md").read_text("utf-8"), re.M
        )
    }
    assert told == {u.id: dict(u.votes) for u in load_manifest(CLIPS / "manifest.csv")}


def test_the_invented_votes_are_called_invented() -> None:
    assert "votes in `manifest.csv` are invented" in (CLIPS / "README.md").read_text("utf-8")
