"""Speakers stay apart, and what cannot be learnt from is refused in one line."""

import csv
from pathlib import Path

import pytest

from ambivox.emotions import load_emotions
from ambivox.errors import UsageError
from ambivox.finetuning.config import load_finetuning
from ambivox.finetuning.parts import look_up
from ambivox.finetuning.splits import load_splits
from tests.finetuning.material import config, corpus


def split(manifest, **changes):
    return load_splits(config(Path(), Path("mini"), manifest, **changes), load_emotions("iemocap4"))


def entry(manifest, **changes):
    return {"name": "manifest", "path": str(manifest)} | changes


def test_speakers_go_where_they_are_sent_and_all_others_train(manifest):
    splits = split(manifest).splits
    spoken = {use: sorted({r.utterance.speaker for r in rated}) for use, rated in splits.items()}
    assert spoken == {"train": ["ann", "bob"], "development": ["cat"], "test": ["dan"]}
    assert splits["train"][0].counts.tolist() == [3, 2, 0, 0]
    assert splits["train"][0].q.tolist() == [0.6, 0.4, 0, 0]


def test_a_speaker_in_two_splits_of_one_corpus_is_refused(manifest):
    both = entry(manifest, development={"speakers": ["cat", "dan"]}, test={"speakers": ["dan"]})
    with pytest.raises(UsageError, match="'dan' is in both development and test"):
        split(manifest, corpora=[both])


def test_a_speaker_in_two_parts_of_a_corpus_is_refused(manifest):
    train = entry(manifest, development={"speakers": ["cat"]})
    with pytest.raises(UsageError, match=r"speaker .*/ann is in both train and test"):
        split(manifest, corpora=[train, entry(manifest, use="test", development={"speakers": ["cat"]})])


def test_the_same_clip_under_another_name_and_speaker_is_refused(manifest):
    rows = list(csv.DictReader(manifest.read_text().splitlines()))
    copy = manifest.with_name("copy.csv")
    with copy.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerow(rows[0] | {"speaker": "eve", "id": "x"})
    other = entry(copy, use="test", options={"name": "other"})
    with pytest.raises(UsageError, match=r"clip other/x is in both train and test"):
        split(manifest, corpora=[entry(manifest, development={"speakers": ["cat"]}), other])


def test_a_misspelt_speaker_is_named(manifest):
    with pytest.raises(UsageError, match="development: no speaker 'kat'"):
        split(manifest, corpora=[entry(manifest, development={"speakers": ["kat"]})])


def test_a_training_without_development_speakers_is_refused(manifest):
    with pytest.raises(UsageError, match="no clip is left for development"):
        split(manifest, corpora=[entry(manifest)])


def test_a_corpus_without_votes_is_refused_with_the_fix(data_dir):
    spoken = {"name": "ravdess", "path": str(data_dir / "ravdess"), "development": {"speakers": ["15"]}}
    with pytest.raises(UsageError, match=r"'ravdess' has no votes.*labels: intended"):
        split(None, corpora=[spoken])


def test_an_objective_that_needs_votes_is_refused_on_intended_emotions(data_dir):
    spoken = {
        "name": "ravdess",
        "path": str(data_dir / "ravdess"),
        "development": {"speakers": ["15"]},
        "labels": "intended",
    }
    settings = config(Path(), Path("mini"), Path(), corpora=[spoken], emotions="ravdess8")
    with pytest.raises(UsageError, match="'yu-2026' learns how raters disagree"):
        look_up(settings)
    plain = settings.model_copy(
        update={"objective": settings.objective.model_copy(update={"name": "cross-entropy"})}
    )
    assert len(look_up(plain).splits["train"]) == 1140


def test_single_votes_are_single_labels_too(tmp_path):
    with pytest.raises(UsageError, match="every training clip has a single label"):
        look_up(config(tmp_path, Path("mini"), corpus(tmp_path, single=True), objective="scaling-ambiguity"))


def test_a_clip_without_a_speaker_is_named(tmp_path):
    manifest = corpus(tmp_path)
    manifest.write_text(manifest.read_text().replace("bob1.wav,bob1.wav,bob", "bob1.wav,bob1.wav,"))
    with pytest.raises(UsageError, match=r"bob1.wav \(row 7 of manifest.csv\) has no speaker"):
        split(manifest)


def test_prompts_that_ask_for_no_label_are_refused(manifest):
    with pytest.raises(UsageError, match="none asks for one label"):
        look_up(config(Path(), Path("mini"), manifest, prompts=["dictionary"]))


def test_a_standard_split_is_taken_by_name(manifest):
    def fold(n):
        by = {"name": "grouped-k-fold", "options": {"k": 4, "seed": 1}, "fold": n}
        return split(manifest, corpora=[entry(manifest, split=by)]).splits["test"]

    tested = [fold(n) for n in range(4)]
    assert [len(rated) for rated in tested] == [4] * 4
    assert {one.utterance.speaker for rated in tested for one in rated} == {"ann", "bob", "cat", "dan"}
    with pytest.raises(UsageError, match="fold 4, there are 4"):
        fold(4)


def test_a_split_by_name_and_speakers_by_name_do_not_mix(tmp_path):
    path = tmp_path / "finetune.yaml"
    path.write_text(
        "corpora: [{name: ravdess, path: x, split: by-actors, test: {speakers: ['01']}}]\n", encoding="utf-8"
    )
    with pytest.raises(UsageError, match=r"finetune.yaml: corpora.0: split: leaves nothing to"):
        load_finetuning(path)


def test_a_misspelt_key_deep_in_the_file_is_named_with_the_near_one(tmp_path):
    path = tmp_path / "finetune.yaml"
    path.write_text("corpora: [{name: ravdess, path: x}]\nschedule: {learning_rat: 1}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"'schedule.learning_rat'.*did you mean 'learning_rate'"):
        load_finetuning(path)
