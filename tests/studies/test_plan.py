"""What a study asks: only what its readouts need, under every control, wording, order and temperature."""

import json
from pathlib import Path

import pytest

from ambivox.emotions import load_emotions
from ambivox.errors import UsageError
from ambivox.record import Record
from ambivox.studies import Study, run_study
from ambivox.studies.plan import count_requests, look_up, plan, write_labels

from .toy import ToyModel


def records_of(study: Study, out: Path, **changes: object) -> list[Record]:
    changed = Study.model_validate(study.model_dump() | changes)
    return list(run_study(changed, out, models=[ToyModel()]).records())


def test_what_no_readout_reads_is_not_asked(study: Study, tmp_path: Path) -> None:
    for record in records_of(study, tmp_path / "out", readouts=["label", "first"]):
        assert record.sequence_logp is None
        assert record.draws == ()
        assert record.lens is None
        assert record.temperature is None


def test_whole_labels_are_scored_for_the_readout_that_reads_them(study: Study, tmp_path: Path) -> None:
    assert all(
        r.sequence_logp is not None for r in records_of(study, tmp_path / "out", readouts=["sequence"])
    )


def test_a_swapped_record_names_the_clip_that_was_heard(study: Study, tmp_path: Path) -> None:
    records = records_of(study, tmp_path / "out", controls=["none", "swapped"], prompts=["word"])
    own = {r.utterance: r for r in records if r.control == "none"}
    for swapped in (r for r in records if r.control == "swapped"):
        heard = own[swapped.heard or ""]
        assert heard.utterance != swapped.utterance
        assert (heard.text, heard.clip) == (swapped.text, swapped.clip)
        assert swapped.votes == own[swapped.utterance].votes
    assert len({r.key for r in records}) == len(records)


def test_another_swap_has_another_key(study: Study, tmp_path: Path) -> None:
    one, other = (
        {
            r.utterance: (r.heard, r.key)
            for r in records_of(study, tmp_path / str(seed), controls=["swapped"], seed=seed)
        }
        for seed in (0, 1)
    )
    assert all((one[u][0] == other[u][0]) == (one[u][1] == other[u][1]) for u in one)
    assert one != other


def test_without_audio_all_clips_are_answered_alike(study: Study, tmp_path: Path) -> None:
    records = records_of(study, tmp_path / "out", controls=["no-audio"], prompts=["word"])
    assert len({r.text for r in records}) == 1
    assert {(r.status, r.heard, r.duration_s, r.audio_tokens) for r in records} == {("ok", None, None, 0)}


def test_transcript_only_shows_the_words_and_plays_nothing(study: Study, tmp_path: Path) -> None:
    manifest = tmp_path / "clips" / "manifest.csv"
    rows = manifest.read_text(encoding="utf-8").splitlines()
    words = ["transcript", "let it go", *[""] * (len(rows) - 2)]
    manifest.write_text("\n".join(f"{r},{w}" for r, w in zip(rows, words, strict=True)), encoding="utf-8")
    records = records_of(study, tmp_path / "out", controls=["none", "transcript-only"], prompts=["word"])
    only = [r for r in records if r.control == "transcript-only"]
    assert "let it go" in only[0].prompt_text
    assert (only[0].status, only[0].transcript, only[0].audio_tokens) == ("ok", True, 0)
    assert {r.status for r in only[1:]} == {"failed"}
    assert "clip1: no transcript to show" in (only[1].error or "")
    assert not any(r.transcript for r in records if r.control == "none")


def test_orders_can_be_all_rotations(study: Study, tmp_path: Path) -> None:
    records = records_of(study, tmp_path / "out", order_seeds="rotations", prompts=["word"])
    orders = {r.order for r in records}
    assert len(orders) == 6
    assert {order[0] for order in orders} == set(range(6))
    assert all(order[(k + 1) % 6] == (order[k] + 1) % 6 for order in orders for k in range(6))


def test_wordings_change_the_options_and_not_the_labels(study: Study, tmp_path: Path) -> None:
    wordings = [None, {"angry": "anger", "sad": "sadness"}]
    records = records_of(study, tmp_path / "out", wordings=wordings, prompts=["word"])
    assert {r.wording[0] for r in records} == {"angry", "anger"}
    assert len({r.labels for r in records}) == 1
    for record in records:
        assert (", ".join(record.wording) in record.prompt_text) == (record.order == tuple(range(6)))


@pytest.mark.parametrize(
    ("wording", "message"),
    [({"angri": "anger"}, "did you mean 'angry'"), ({"angry": "sad"}, "form of 'angry'")],
)
def test_a_wording_that_is_no_form_is_said(wording: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        write_labels(load_emotions("cremad6"), wording)


def test_the_plan_is_as_long_as_it_was_said(study: Study) -> None:
    wide = study.model_copy(
        update={
            "order_seeds": "rotations",
            "controls": ("none", "swapped"),
            "wordings": (None, {"sad": "sadness"}),
        }
    )
    parts = look_up(wide)
    assert len(list(plan(parts, ToyModel()))) == count_requests(parts) == 6 * 4 * 6 * 2 * 2


def test_the_run_says_how_many_requests_it_holds(study: Study, tmp_path: Path) -> None:
    run = run_study(study, tmp_path / "out", models=[ToyModel()])
    assert json.loads((run.folder / "environment.json").read_text("utf-8"))["requests"] == 24
