"""Clips are decoded once, ahead of the model, and shards keep the requests on a clip together."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ambivox.errors import AmbivoxError
from ambivox.run import Study, clips, run_study
from ambivox.run.clips import Clips
from ambivox.run.plan import Plan, Planned, by_clip, look_up, shards
from tests.records import change
from tests.run.toy import ToyModel


@pytest.fixture
def planned(study: Study) -> list[Planned]:
    return list(Plan(look_up(study), ToyModel()))


@pytest.mark.parametrize("size", [1, 3, 4, 7, 8, 11, 24, 99])
def test_shards_lose_nothing_and_keep_clips_whole_where_they_fit(planned: list[Planned], size: int) -> None:
    cut = list(shards(by_clip(planned), size))
    assert [p for shard in cut for p in shard] == planned
    assert max(map(len, cut)) <= size
    pieces = Counter(name for shard in cut for name in {p.record.asked.utterance.id for p in shard})
    per_clip = len(planned) // 6
    assert set(pieces.values()) == {1} or size < per_clip


def test_shards_depend_on_the_plan_alone(planned: list[Planned]) -> None:
    assert list(shards(by_clip(iter(planned)), 7)) == list(shards(by_clip(planned), 7))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 11, 12, 23, 24, 25, 99])
def test_any_shard_of_a_plan_is_had_alone_as_it_is_cut_in_line(
    study: Study, planned: list[Planned], size: int
) -> None:
    parts = look_up(study.model_copy(update={"shard_size": size}))
    plan = Plan(parts, ToyModel())
    alone = [plan.shard(number) for number in range(len(plan.cut))]
    assert alone == list(shards(by_clip(planned), size))


def test_a_clip_of_a_study_is_decoded_once(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    load = clips.read_audio

    def counting(clip: str, *segment: Any) -> Any:
        loaded.append(clip)
        return load(clip, *segment)

    monkeypatch.setattr(clips, "read_audio", counting)
    run_study(study.model_copy(update={"shard_size": 8}), tmp_path / "out", models=[ToyModel()])
    assert sorted(Counter(loaded).values()) == [1] * 6


def test_controls_are_of_their_own_and_no_audio_is_none(planned: list[Planned]) -> None:
    record = planned[0].record
    with Clips(seed=1) as heard:
        given, again = heard[record], heard[change(record, {"asked.prompt.name": "other"})]
        assert given is again
        silence, noise = (heard[change(record, {"asked.control": c})] for c in ("silence", "noise"))
        assert silence is not None
        assert noise is not None
        assert not silence[0].any()
        assert not silence[1].silent  # what stands in for a clip is meant to be silent
        other = heard[change(record, {"asked.control": "noise", "asked.utterance.id": "other"})]
        assert other is not None
        assert not np.array_equal(noise[0], other[0])
        assert heard[change(record, {"asked.control": "no-audio"})] is None


def test_what_is_still_to_come_is_not_forgotten(planned: list[Planned]) -> None:
    one, other = planned[0].record, planned[-1].record
    with Clips() as heard:
        kept, dropped = heard[one], heard[other]
        heard.forget([one, other], but=[one])
        assert heard[one] is kept
        assert heard[other] is not dropped


def test_an_unreadable_clip_is_an_error_when_it_is_asked_for(planned: list[Planned]) -> None:
    lost = change(planned[0].record, {"asked.clip.path": "nowhere.wav"})
    with Clips() as heard:
        heard.prepare([lost])
        for _ in range(2):
            with pytest.raises(AmbivoxError, match=r"nowhere\.wav"):
                heard[lost]
