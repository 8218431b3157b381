"""The channel that a manifest chooses is the one that is heard and measured."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ambivox.audio import load_audio
from ambivox.corpora import load_manifest
from ambivox.errors import UsageError
from ambivox.inspection import check_corpus


def manifest(folder: Path, *channels: object, ending: str = "csv") -> Path:
    rng = np.random.default_rng(0)
    soundfile.write(folder / "call.wav", 0.1 * rng.standard_normal((16_000, 2)), 16_000)
    path = folder / f"m.{ending}"
    if ending == "csv":
        rows = [f"c{n},call.wav,{channel},1" for n, channel in enumerate(channels)]
        path.write_text("id,audio,channel,votes.sad\n" + "\n".join(rows))
    else:
        rows = [
            json.dumps({"id": f"c{n}", "audio": "call.wav", "channel": c}) for n, c in enumerate(channels)
        ]
        path.write_text("\n".join(rows))
    return path


def test_channels_of_a_manifest_are_numbers_or_mix_or_nothing(tmp_path: Path) -> None:
    corpus = load_manifest(manifest(tmp_path, 0, 1, "mix", "Mix", ""))
    assert [u.channel for u in corpus] == [0, 1, "mix", "mix", None]
    corpus = load_manifest(manifest(tmp_path, 1, "0", "mix", None, ending="jsonl"))
    assert [u.channel for u in corpus] == [1, 0, "mix", None]


@pytest.mark.parametrize("channel", ["left", "-1", "0.5", "1e30"])
def test_what_is_no_channel_is_one_line_with_its_row(tmp_path: Path, channel: str) -> None:
    with pytest.raises(
        UsageError, match=rf"row 3, column 'channel': '{channel}' is no channel: give a number"
    ):
        load_manifest(manifest(tmp_path, 0, channel))


def test_two_channels_of_one_file_are_two_utterances_also_without_ids(tmp_path: Path) -> None:
    path = manifest(tmp_path, 0, 1)
    path.write_text("audio,channel,votes.sad\ncall.wav,0,1\ncall.wav,1,1")
    corpus = load_manifest(path)
    assert [u.id for u in corpus] == ["call channel 0", "call channel 1"]
    assert not corpus.load_issues
    path.write_text("audio,channel,rater,label\ncall.wav,0,r1,sad\ncall.wav,0,r2,sad\ncall.wav,1,r1,angry")
    assert [dict(u.votes) for u in load_manifest(path)] == [{"sad": 2}, {"angry": 1}]


def test_check_hears_the_channels_that_were_chosen(tmp_path: Path) -> None:
    found = {c.name: c for c in check_corpus(load_manifest(manifest(tmp_path, 0, "mix", "", 2)))}
    assert "no channel 2: it has channels 0 to 1" in found["audio readable"].detail
    assert "1 not" in found["audio readable"].detail
    assert "1 of 3 clips: c2; c2: its 2 channels differ much" in found["audio: channels-differ"].detail


def test_the_fingerprint_of_a_corpus_tells_channels_apart(tmp_path: Path) -> None:
    prints = {load_manifest(manifest(tmp_path, channel)).fingerprint for channel in ("", 0, 1, "mix")}
    assert len(prints) == 4
    assert len(load_audio(tmp_path / "call.wav")) == 16_000
