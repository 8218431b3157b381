"""What a study asks: only what its readouts need, under every control, wording, order and temperature."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ambivox.emotions import load_emotions
from ambivox.errors import UsageError
from ambivox.models import Reply, Request
from ambivox.record import Record
from ambivox.run import Study, run_study
from ambivox.run.plan import Plan, count_requests, look_up, write_labels
from ambivox.scoring import ScoringOptions, score
from tests.run.toy import ToyModel
from tests.scoring.rows import prompt_of


def records_of(study: Study, out: Path, **changes: object) -> list[Record]:
    changed = Study.model_validate(study.model_dump() | changes)
    return list(run_study(changed, out, models=[ToyModel()]).records())


def test_what_no_readout_reads_is_not_asked(study: Study, tmp_path: Path) -> None:
    for record in records_of(study, tmp_path / "out", readouts=["label", "first"]):
        assert record.replied.sequence_logp is None
        assert record.replied.draws == ()
        assert record.replied.lens is None
        assert record.asked.temperature is None


def test_whole_labels_are_scored_for_the_readout_that_reads_them(study: Study, tmp_path: Path) -> None:
    assert all(
        r.replied.sequence_logp is not None
        for r in records_of(study, tmp_path / "out", readouts=["sequence"])
    )


def test_a_swapped_record_names_the_clip_that_was_heard(study: Study, tmp_path: Path) -> None:
    records = records_of(study, tmp_path / "out", controls=["clip", "swapped"], prompts=["word"])
    own = {r.asked.utterance.id: r for r in records if r.asked.control == "clip"}
    for swapped in (r for r in records if r.asked.control == "swapped"):
        heard = own[swapped.asked.clip.utterance or ""]
        assert heard.asked.utterance.id != swapped.asked.utterance.id
        assert heard.asked.clip == swapped.asked.clip
        assert heard.replied.text == swapped.replied.text
        assert swapped.asked.utterance == own[swapped.asked.utterance.id].asked.utterance
    assert len({r.key for r in records}) == len(records)


def test_another_swap_has_another_key(study: Study, tmp_path: Path) -> None:
    one, other = (
        {
            r.asked.utterance.id: (r.asked.clip.utterance, r.key)
            for r in records_of(study, tmp_path / str(seed), controls=["swapped"], seed=seed)
        }
        for seed in (0, 1)
    )
    assert all((one[u][0] == other[u][0]) == (one[u][1] == other[u][1]) for u in one)
    assert one != other


def test_without_audio_all_clips_are_answered_alike(study: Study, tmp_path: Path) -> None:
    records = records_of(study, tmp_path / "out", controls=["no-audio"], prompts=["word"])
    assert len({r.replied.text for r in records}) == 1
    assert {(r.asked.clip.utterance, r.sound, r.replied.audio_tokens) for r in records} == {(None, None, 0)}


def test_transcript_only_shows_the_words_and_plays_nothing(study: Study, tmp_path: Path) -> None:
    manifest = tmp_path / "clips" / "manifest.csv"
    rows = manifest.read_text(encoding="utf-8").splitlines()
    words = ["transcript", "let it go", *[""] * (len(rows) - 2)]
    manifest.write_text("\n".join(f"{r},{w}" for r, w in zip(rows, words, strict=True)), encoding="utf-8")
    records = records_of(study, tmp_path / "out", controls=["clip", "transcript-only"], prompts=["word"])
    only = [r for r in records if r.asked.control == "transcript-only"]
    assert "let it go" in only[0].asked.prompt.text
    assert (only[0].asked.prompt.shows_transcript, only[0].replied.audio_tokens) == (True, 0)
    assert all(r.error for r in only[1:])
    assert "clip1: no transcript to show" in only[1].error.text
    assert not any(r.asked.prompt.shows_transcript for r in records if r.asked.control == "clip")


class Scribe(ToyModel):
    """Writes down what is said; of one clip more than its answer has room for."""

    def generate(self, requests: Sequence[Request]) -> list[Reply]:
        return [
            replace(
                reply,
                text=f"words of {request.name}",
                says="transcript",
                finish="length" if request.name == "clip1.wav" else "stop",
            )
            for request, reply in zip(requests, super().generate(requests), strict=True)
        ]


def test_transcripts_of_another_run_stand_in_for_those_a_corpus_lacks(study: Study, tmp_path: Path) -> None:
    run_study(study, tmp_path / "written", models=[Scribe()])
    changes = {"controls": ["transcript-only"], "prompts": ["word"], "transcripts_from": tmp_path / "written"}
    whole, cut, *_ = records_of(study, tmp_path / "out", **changes)
    assert "words of clip0.wav" in whole.asked.prompt.text
    assert "no transcript to show" in cut.error.text
    with pytest.raises(UsageError, match="no transcripts in its records"):
        records_of(study, tmp_path / "again", transcripts_from=tmp_path / "out")


def test_orders_can_be_all_rotations(study: Study, tmp_path: Path) -> None:
    records = records_of(study, tmp_path / "out", order_seeds="rotations", prompts=["word"])
    orders = {r.asked.prompt.order for r in records}
    assert len(orders) == 6
    assert {order[0] for order in orders} == set(range(6))
    assert all(order[(k + 1) % 6] == (order[k] + 1) % 6 for order in orders for k in range(6))


def test_wordings_change_the_options_and_not_the_labels(study: Study, tmp_path: Path) -> None:
    wordings = [None, {"angry": "anger", "sad": "sadness"}]
    records = records_of(study, tmp_path / "out", wordings=wordings, prompts=["word"])
    assert {r.asked.prompt.wording[0] for r in records} == {"angry", "anger"}
    assert len({r.asked.emotions.labels for r in records}) == 1
    for record in records:
        assert (", ".join(record.asked.prompt.wording) in record.asked.prompt.text) == (
            record.asked.prompt.order == tuple(range(6))
        )


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
            "controls": ("clip", "swapped"),
            "wordings": (None, {"sad": "sadness"}),
        }
    )
    parts = look_up(wide)
    assert len(list(Plan(parts, ToyModel()))) == count_requests(parts) == 6 * 4 * 6 * 2 * 2


def test_the_run_says_how_many_requests_it_holds(study: Study, tmp_path: Path) -> None:
    run = run_study(study, tmp_path / "out", models=[ToyModel()])
    assert json.loads((run.folder / "environment.json").read_text("utf-8"))["requests"] == 24


@pytest.fixture
def dialogue_study(study: Study, tmp_path: Path) -> Study:
    """Two dialogues of three turns each, in the order of the corpus but not of time."""
    folder = study.corpora[0].path.parent
    clips = sorted(path.name for path in folder.glob("*.wav"))
    turns = [(name, d, t, "ann" if t % 2 else "bob") for name, (d, t) in zip(clips, TURNS, strict=False)]
    lines = [f"{name},{name},{d},{t},{who},Words of {d}{t}.,1" for name, d, t, who in turns]
    path = folder / "dialogues.csv"
    path.write_text("\n".join(["id,audio,dialogue,turn,speaker,transcript,votes.sad", *lines]) + "\n")
    corpus = study.corpora[0].model_copy(update={"path": path, "options": {}})
    return study.model_copy(update={"corpora": (corpus,), "prompts": ("word",)})


TURNS = [("A", 2), ("A", 0), ("A", 1), ("B", 0), ("B", 5), ("B", 3)]


def test_context_shows_the_turns_before_with_their_speakers(dialogue_study: Study, tmp_path: Path) -> None:
    records = records_of(dialogue_study, tmp_path / "out", context_turns=[0, 1, 30])
    assert len({r.asked.utterance.dialogue for r in records}) == 2
    assert len(records) == 18
    for record in records[::3]:
        assert "Before this" not in record.asked.prompt.text
        assert record.asked.context_turns == 0
    shown = {(r.asked.utterance.id, r.asked.context_turns): r.asked.prompt.text for r in records}
    names = [r.asked.utterance.id for r in records[::3]]
    assert "Before this:\nann: Words of A1.\nOptions" in shown[names[0], 1]
    assert "Before this:\nbob: Words of A0.\nann: Words of A1.\nOptions" in shown[names[0], 30]
    assert "Before this" not in shown[names[1], 30]
    assert "bob: Words of B0.\nann: Words of B3.\nOptions" in shown[names[4], 30]
    assert len({r.key for r in records}) == len(records)


def test_scores_are_apart_for_each_number_of_context_turns(dialogue_study: Study, tmp_path: Path) -> None:
    run = run_study(
        dialogue_study.model_copy(update={"context_turns": (0, 2)}), tmp_path / "out", models=[ToyModel()]
    )
    rows = [
        row
        for row in score(run, ScoringOptions(readouts=["first"], n_draws=100)).rows
        if row.level == "token"
    ]
    assert [(prompt_of(row), row.utterances) for row in rows] == [("word", 6), ("word, 2 turns before", 6)]


def test_context_is_apart_from_the_words_of_the_clip(dialogue_study: Study, tmp_path: Path) -> None:
    (record,) = records_of(dialogue_study, tmp_path / "out", context_turns=[1], transcript=True)[:1]
    assert 'ann: Words of A1.\nThe speaker says: "Words of A2."' in record.asked.prompt.text


def test_a_limit_does_not_cut_the_turns_before(dialogue_study: Study, tmp_path: Path) -> None:
    corpus = dialogue_study.corpora[0].model_copy(update={"limit": 1})
    (record,) = records_of(
        dialogue_study.model_copy(update={"corpora": (corpus,)}), tmp_path / "out", context_turns=[2]
    )
    assert "bob: Words of A0.\nann: Words of A1." in record.asked.prompt.text


def test_context_needs_dialogues_and_a_place_in_the_prompt(
    study: Study, dialogue_study: Study, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="has no place in a dialogue"):
        look_up(study.model_copy(update={"context_turns": (0, 2)}))
    prompt = tmp_path / "mine.yaml"
    prompt.write_text("version: 1\nformat: word\ntext: 'Which of {{ options }}?'\n")
    asked = {"context_turns": (2,), "prompts": (str(prompt),)}
    with pytest.raises(UsageError, match="prompt 'mine' has no place for context turns"):
        look_up(dialogue_study.model_copy(update=asked))
