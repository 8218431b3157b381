import errno
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from ambivox import record as record_module
from ambivox.errors import AmbivoxError, UsageError
from ambivox.reasons import Reason
from ambivox.run import Progress, Study, run_study
from ambivox.run_folder import Run
from tests.records import facts
from tests.run.toy import ToyModel


def run_toy(study: Study, out: Path, **options: Any) -> Run:
    return run_study(study, out, models=[options.pop("model", ToyModel())], **options)


def all_facts(run: Run) -> list[dict[str, Any]]:
    return [facts(record) for record in run.records()]


def test_every_clip_meets_every_prompt_once(study: Study, tmp_path: Path) -> None:
    records = list(run_toy(study, tmp_path / "out").records())
    asked = [(r.asked.utterance.id, r.asked.prompt.name) for r in records]
    assert sorted(asked) == sorted({(f"clip{i}", p) for i in range(6) for p in study.prompts})
    assert all(r.reply for r in records)
    assert len({r.key for r in records}) == len(records)


def test_a_study_may_be_given_by_its_file(study: Study, tmp_path: Path) -> None:
    files = list(tmp_path.rglob("study.yaml"))
    assert len(files) == 1
    by_file = run_study(files[0], tmp_path / "by_file", models=[ToyModel()])
    assert all_facts(by_file) == all_facts(run_toy(study, tmp_path / "out"))


def test_controls_and_option_orders_multiply_the_grid(study: Study, tmp_path: Path) -> None:
    wide = study.model_copy(update={"controls": ("clip", "silence", "noise"), "order_seeds": (None, 1)})
    records = list(run_toy(wide, tmp_path / "out").records())
    assert len(records) == 6 * 4 * 3 * 2
    silent = [
        r
        for r in records
        if r.asked.control == "silence" and r.asked.prompt.name == "word" and r.asked.order_seed is None
    ]
    assert len({r.replied.text for r in silent}) == 1, (
        "silence of one length must sound the same for every clip"
    )


def test_every_clip_has_noise_of_its_own_that_the_seed_decides(study: Study, tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    for i in range(1, 6):  # the same sound in every clip, so that only the noise can differ
        (clips / f"clip{i}.wav").write_bytes((clips / "clip0.wav").read_bytes())
    noisy = study.model_copy(update={"controls": ("noise",), "prompts": ("word",)})

    def heard(out: str, seed: int) -> list[bytes]:
        run = run_toy(noisy.model_copy(update={"seed": seed}), tmp_path / out)
        return [r.replied.token_logits.tobytes() for r in run.records() if r.replied.token_logits is not None]

    first = heard("a", 1)
    assert len(set(first)) == 6
    assert heard("b", 1) == first
    assert set(heard("c", 2)).isdisjoint(first)


@pytest.mark.parametrize("stop_after", [1, 7, 12, 23])
def test_an_interrupted_run_goes_on_to_the_records_of_an_uninterrupted_one(
    study: Study, tmp_path: Path, stop_after: int
) -> None:
    whole = all_facts(run_toy(study, tmp_path / "whole"))

    def interrupt(progress: Progress) -> None:
        if progress.done >= stop_after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_toy(study, tmp_path / "cut", report=interrupt)
    assert all_facts(run_toy(study, tmp_path / "cut")) == whole


def test_a_finished_run_asks_nothing_again(study: Study, tmp_path: Path) -> None:
    run_toy(study, tmp_path / "out")
    model = ToyModel()
    seen: list[Progress] = []
    run_toy(study, tmp_path / "out", model=model, report=seen.append)
    assert model.batches == []
    assert seen[-1] == Progress(done=24, failed=0, total=24, kept=24)


def test_a_lost_shard_is_asked_again_in_the_same_batches(study: Study, tmp_path: Path) -> None:
    first = ToyModel()
    run = run_toy(study, tmp_path / "out", model=first)
    before = all_facts(run)
    run.shard_path(0, 2).unlink()
    second = ToyModel()
    run_toy(study, tmp_path / "out", model=second)
    assert second.batches == first.batches[4:6]  # a shard has room for one clip of 4 requests
    assert all_facts(run) == before


def test_a_clip_that_changed_is_asked_again(study: Study, tmp_path: Path) -> None:
    run = run_toy(study, tmp_path / "out")
    before = {r.asked.utterance.id: r.key for r in run.records() if r.asked.prompt.name == "word"}
    soundfile.write(tmp_path / "clips" / "clip3.wav", np.full(9000, 0.2), 16_000)
    run_toy(study, tmp_path / "out")
    after = {r.asked.utterance.id: r.key for r in run.records() if r.asked.prompt.name == "word"}
    assert [u for u in before if before[u] != after[u]] == ["clip3"]


def test_another_model_fingerprint_is_asked_again(study: Study, tmp_path: Path) -> None:
    run = run_toy(study, tmp_path / "out")
    run_toy(study, tmp_path / "out", model=ToyModel(fingerprint="toy-2"))
    assert {r.asked.model.fingerprint for r in run.records()} == {"toy-2"}


def test_another_study_in_the_same_directory_is_refused_by_naming_the_key(
    study: Study, tmp_path: Path
) -> None:
    run_toy(study, tmp_path / "out")
    with pytest.raises(UsageError, match=r"another study \(differs in prompts\): choose another --out"):
        run_toy(study.model_copy(update={"prompts": ("word",)}), tmp_path / "out")


def test_two_models_of_one_name_are_refused(study: Study, tmp_path: Path) -> None:
    twice = study.model_copy(update={"models": study.models * 2})
    with pytest.raises(UsageError, match="models: two are called 'mini'"):
        run_study(twice, tmp_path / "out", models=[ToyModel(), ToyModel()])


def test_a_folder_with_something_else_is_refused(study: Study, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match="exists and is not a run"):
        run_toy(study, tmp_path / "out")


def test_bad_clips_become_failed_rows_with_reasons_and_the_rest_goes_on(study: Study, tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    (clips / "clip0.wav").unlink()
    (clips / "clip1.wav").write_bytes(b"")
    soundfile.write(clips / "clip2.wav", np.zeros(16_000 * 11, dtype=np.float32), 16_000)
    model = ToyModel(fails_on=("clip3.wav",))
    records = list(run_toy(study, tmp_path / "out", model=model).records())
    reasons = {r.asked.utterance.id: r.error.text for r in records if r.error}
    assert sorted(reasons) == ["clip0", "clip1", "clip2", "clip3"]
    assert "clip0.wav" in str(reasons["clip0"])
    assert "clip1.wav" in str(reasons["clip1"])
    assert "hears at most 10 s" in str(reasons["clip2"])
    assert reasons["clip3"] == "RuntimeError: cannot digest clip3.wav"
    assert sum(r.reply is not None for r in records) == 2 * len(study.prompts)
    assert all("\n" not in str(reason) for reason in reasons.values())


def test_a_full_disk_is_one_line_and_leaves_no_half_written_shard(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(table: object, path: Path, **_: object) -> None:
        Path(path).write_bytes(b"half a sh")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(record_module.pq, "write_table", full)
        with pytest.raises(AmbivoxError, match="No space left on device") as error:
            run_toy(study, tmp_path / "out")
    assert "\n" not in str(error.value)
    assert list((tmp_path / "out" / "records").iterdir()) == []
    assert len(list(run_toy(study, tmp_path / "out").records())) == 24


def test_the_run_keeps_study_versions_fingerprints_and_seeds(study: Study, tmp_path: Path) -> None:
    run = run_toy(study.model_copy(update={"seed": 7, "order_seeds": (None, 3)}), tmp_path / "out")
    environment = json.loads((tmp_path / "out" / "environment.json").read_text())
    assert environment["models"] == {"toy": "toy-1"}
    assert environment["seed"] == 7
    assert environment["order_seeds"] == [None, 3]
    assert environment["packages"]["numpy"] == np.__version__
    assert environment["corpora"]["manifest"]["utterances"] == 6
    assert run.study() == study.model_copy(update={"seed": 7, "order_seeds": (None, 3)})


def test_keys_differ_by_prompt_order_control_and_clip_only(study: Study, tmp_path: Path) -> None:
    run = run_toy(study.model_copy(update={"controls": ("clip", "silence")}), tmp_path / "a")
    again = run_toy(
        study.model_copy(update={"controls": ("clip", "silence"), "batch_size": 3}), tmp_path / "b"
    )
    keys = [record.key for record in run.records()]
    assert len(set(keys)) == 6 * 4 * 2
    assert keys == [record.key for record in again.records()]


def test_an_unanswered_record_round_trips(study: Study, tmp_path: Path) -> None:
    record = next(run_toy(study, tmp_path / "out").records())
    record_module.write_records([record.failed(Reason("clip", "x"))], tmp_path / "one.parquet")
    [read] = record_module.read_records(tmp_path / "one.parquet")
    assert read.error == Reason("clip", "x")
    assert read.reply is None
