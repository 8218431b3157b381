"""What was heard, what was odd about it, and what was silent, from the file to the scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from ambivox.audio import audio_facts, load_audio
from ambivox.corpora import load_manifest
from ambivox.errors import AmbivoxError
from ambivox.inspection.durations import measure_durations
from ambivox.record import SILENT, Record
from ambivox.run import Run, Study, load_study, read, run_study
from ambivox.scoring import score
from tests.run.toy import ToyModel

pytestmark = pytest.mark.usefixtures("few_noise_draws")

NOISE = 0.1 * np.random.default_rng(0).standard_normal((16_000, 2))


def run_toy(study: Study, out: Path, **options: object) -> Run:
    return run_study(study.model_copy(update=options), out, models=[ToyModel()])


@pytest.fixture
def silent_clip(study: Study, tmp_path: Path) -> Path:
    path = tmp_path / "clips" / "clip1.wav"
    soundfile.write(path, np.zeros(16_000), 16_000)
    return path


def of(records: list[Record], utterance: str, control: str = "clip") -> list[Record]:
    return [r for r in records if (r.asked.utterance.id, r.asked.control) == (utterance, control)]


# Silence


def test_digital_silence_is_not_asked_about_and_its_stand_ins_are(
    study: Study, silent_clip: Path, tmp_path: Path
) -> None:
    records = list(run_toy(study, tmp_path / "out", controls=("clip", "silence", "noise")).records())
    for record in of(records, "clip1"):
        assert record.reply is None
        assert record.error is not None
        assert record.error.code == SILENT
        assert record.sound is not None
        assert (record.sound.silent, record.sound.duration_s) == (True, 1.0)
    for control in ("silence", "noise"):
        assert all(r.reply and r.sound and not r.sound.silent for r in of(records, "clip1", control))
    assert all(r.reply for r in of(records, "clip2"))


def test_digital_silence_is_asked_about_on_demand_and_again_where_it_was_not(
    study: Study, silent_clip: Path, tmp_path: Path
) -> None:
    first = list(run_toy(study, tmp_path / "first").records())
    asked = list(run_toy(study, tmp_path / "second", ask_silent=True).records())
    assert all(r.reply and r.sound and r.sound.silent for r in of(asked, "clip1"))
    assert {r.key for r in of(first, "clip1")}.isdisjoint(r.key for r in of(asked, "clip1"))


def test_silent_readings_have_a_status_of_their_own_and_no_distribution(silent_clip: Path) -> None:
    result = read(silent_clip, ToyModel())
    assert {reading.status for reading in result.readings.values()} == {"silent"}
    assert all(reading.distribution is None for reading in result.readings.values())
    assert [answer.text for answer in result.answers.values()] == [None, None]
    asked = read(silent_clip, ToyModel(), ask_silent=True)
    assert asked.readings["dictionary/dictionary"].status == "ok"


# Cautions


def clip_and_cautions(folder: Path) -> dict[str, list[str]]:
    """Odd clips by name, with what is odd about them."""
    soundfile.write(folder / "plain.wav", NOISE[:, 0], 16_000)
    soundfile.write(folder / "offset.wav", NOISE[:, 0] + 0.2, 16_000)
    soundfile.write(folder / "two.wav", NOISE, 16_000)
    content = (folder / "plain.wav").read_bytes()
    at = content.index(b"data") + 4
    (folder / "open.wav").write_bytes(content[:at] + b"\xff\xff\xff\xff" + content[at + 4 :])
    return {
        "plain.wav": [],
        "offset.wav": ["dc-offset"],
        "two.wav": ["channels-differ"],
        "open.wav": ["open-length"],
    }


def test_cautions_of_a_clip_are_the_same_in_read_run_check_and_on_disk(tmp_path: Path) -> None:
    expected = clip_and_cautions(tmp_path)
    rows = [f"{name},{name},s,1" for name in expected]
    (tmp_path / "m.csv").write_text("\n".join(["id,audio,speaker,votes.sad", *rows]))
    (tmp_path / "study.yaml").write_text(
        "corpora: [{name: manifest, path: m.csv}]\nprompts: [word]\ncontrols: [clip]\n"
    )
    run = run_study(load_study(tmp_path / "study.yaml"), tmp_path / "out", models=[ToyModel()])
    by_name = {r.asked.utterance.id: r for r in run.records()}
    measured = measure_durations(load_manifest(tmp_path / "m.csv"))
    for name, codes in expected.items():
        sound, facts = by_name[name].sound, audio_facts(tmp_path / name)
        assert sound is not None
        assert [caution.code for caution in sound.cautions] == codes
        assert (sound.duration_s, sound.cautions) == (facts.duration_s, facts.cautions)
        result = read(tmp_path / name, ToyModel()).record.sound
        assert result == sound
        assert [code for code, ids in measured.cautions.items() if name in ids] == codes


# Channels


@pytest.mark.parametrize("channel", [0, 1, "mix"])
def test_read_hears_the_channel_that_was_chosen(tmp_path: Path, channel: int | str) -> None:
    soundfile.write(tmp_path / "two.wav", NOISE, 16_000, subtype="FLOAT")
    alone = NOISE.astype("f4").mean(axis=1) if channel == "mix" else NOISE[:, int(channel)]
    soundfile.write(tmp_path / "one.wav", alone, 16_000, subtype="FLOAT")
    chosen = read(tmp_path / "two.wav", ToyModel(), channel=channel)  # type: ignore[arg-type]
    single = read(tmp_path / "one.wav", ToyModel())
    assert [a.text for a in chosen.answers.values()] == [a.text for a in single.answers.values()]
    assert chosen.record.asked.clip.channel == str(channel)
    assert chosen.record.sound is not None
    assert chosen.record.sound.cautions == ()


def test_a_channel_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "two.wav", NOISE, 16_000)
    with pytest.raises(AmbivoxError, match=r"two\.wav: no channel 2: it has channels 0 to 1"):
        read(tmp_path / "two.wav", ToyModel(), channel=2)


def test_a_run_hears_each_speaker_of_a_call_and_knows_them_apart(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "call.wav", NOISE, 16_000, subtype="FLOAT")
    (tmp_path / "m.csv").write_text(
        "id,audio,channel,speaker,votes.sad\ncaller,call.wav,0,s0,1\nagent,call.wav,1,s1,1\nboth,call.wav,,s2,1\n"
    )
    (tmp_path / "study.yaml").write_text(
        "corpora: [{name: manifest, path: m.csv}]\nprompts: [dictionary]\ncontrols: [clip]\n"
    )
    run = run_study(load_study(tmp_path / "study.yaml"), tmp_path / "out", models=[ToyModel()])
    records = {r.asked.utterance.id: r for r in run.records()}
    assert {name: r.asked.clip.channel for name, r in records.items()} == {
        "caller": "0",
        "agent": "1",
        "both": None,
    }
    assert len({r.replied.text for r in records.values()}) == 3
    assert len({r.key for r in records.values()}) == 3
    assert not np.array_equal(load_audio(tmp_path / "call.wav", channel=0), load_audio(tmp_path / "call.wav"))


# Scores


def test_scores_count_silent_clips_among_the_failed(study: Study, silent_clip: Path, tmp_path: Path) -> None:
    run = run_toy(study, tmp_path / "out")
    read_out = [row for row in score(run).rows if getattr(row.key, "readout", "") == "dictionary"]
    assert {row.failed for row in read_out} == {1}
