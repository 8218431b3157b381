"""A run can be trusted: what was asked is what is read, and nothing good is overwritten."""

import multiprocessing
import os
import re
from pathlib import Path
from typing import Any

import filelock
import pyarrow.parquet as pq
import pytest

from ambivox.errors import AmbivoxError, OtherVersionError, UnfinishedRunError, UsageError
from ambivox.record import Record, read_records, write_records
from ambivox.run import Progress, Run, Study, load_study, run_study
from tests.records import facts
from tests.run.toy import ToyModel


def run_toy(study: Study, out: Path, model: ToyModel | None = None, **options: Any) -> Run:
    return run_study(study, out, models=[model or ToyModel()], **options)


def edit(path: Path, pattern: str, new: str) -> None:
    before = path.read_text(encoding="utf-8")
    after = re.sub(pattern, new, before, count=1, flags=re.MULTILINE)
    assert after != before
    path.write_text(after, encoding="utf-8")


def stop_after(n: int) -> Any:
    def report(progress: Progress) -> None:
        if progress.done >= n:
            raise KeyboardInterrupt

    return report


def of(run: Run, utterance: str) -> list[Record]:
    return [record for record in run.records() if record.asked.utterance.id == utterance]


def test_edited_votes_reach_every_record_and_nothing_is_asked_again(study: Study, tmp_path: Path) -> None:
    run_toy(study, tmp_path / "out")
    edit(tmp_path / "clips" / "manifest.csv", r"^clip2,clip2\.wav,speaker0,\d+,", "clip2,clip2.wav,zoe,77,")
    model = ToyModel()
    run = run_toy(study, tmp_path / "out", model)
    assert model.batches == []
    found = of(run, "clip2")
    assert {(r.asked.utterance.speaker, r.asked.utterance.votes["angry"]) for r in found} == {("zoe", 77)}
    fresh = run_toy(study, tmp_path / "fresh")
    assert [facts(r) for r in run.records()] == [facts(r) for r in fresh.records()]


@pytest.mark.parametrize("stopped_after", [1, 9])
def test_old_and_new_votes_are_never_read_together(study: Study, tmp_path: Path, stopped_after: int) -> None:
    run = run_toy(study, tmp_path / "out")
    edit(
        tmp_path / "clips" / "manifest.csv",
        r"^clip5,clip5\.wav,speaker1,\d+,",
        "clip5,clip5.wav,speaker1,77,",
    )
    with pytest.raises(KeyboardInterrupt):
        run_toy(study, tmp_path / "out", report=stop_after(stopped_after))
    with pytest.raises(UnfinishedRunError, match="unfinished"):
        list(run.records())


def test_a_corpus_that_shrank_leaves_no_old_clip_in_the_run(study: Study, tmp_path: Path) -> None:
    run_toy(study, tmp_path / "out")
    edit(tmp_path / "clips" / "manifest.csv", r"^clip1,.*\n", "")
    run = run_toy(study, tmp_path / "out")
    records = list(run.records())
    assert len(records) == 5 * 4
    assert len({record.key for record in records}) == len(records)
    assert not of(run, "clip1")
    assert [path.name for path in run.strays()] == ["00-000005.parquet"]


def test_a_stray_shard_is_left_out_and_named(study: Study, tmp_path: Path) -> None:
    run = run_toy(study, tmp_path / "out")
    copy = run.folder / "records" / "copy of 1.parquet"
    copy.write_bytes(run.shard_path(0, 1).read_bytes())
    assert len(list(run.records())) == 24
    assert run.strays() == [copy]


def test_a_shard_in_the_place_of_another_makes_the_run_unfinished(study: Study, tmp_path: Path) -> None:
    run = run_toy(study, tmp_path / "out")
    run.shard_path(0, 1).write_bytes(run.shard_path(0, 2).read_bytes())
    with pytest.raises(UnfinishedRunError, match="20 of 24 requests"):
        run.shards()


def test_an_edited_prompt_half_asked_again_is_unfinished_and_partial_shows_only_the_new(
    study: Study, tmp_path: Path
) -> None:
    prompt = tmp_path / "mine.yaml"
    prompt.write_text("version: 1\nformat: word\ntext: 'One of {{ options | join(\", \") }}?'\n", "utf-8")
    own = study.model_copy(update={"prompts": (str(prompt),), "shard_size": 2})
    run_toy(own, tmp_path / "out")
    edit(prompt, "One of", "Which of")
    with pytest.raises(KeyboardInterrupt):
        run_toy(own, tmp_path / "out", report=stop_after(4))
    with pytest.raises(UnfinishedRunError):
        Run(tmp_path / "out").shards()
    partial = list(Run(tmp_path / "out", partial=True).records())
    assert 0 < len(partial) < 6
    assert all(record.asked.prompt.text.startswith("Which of") for record in partial)


def test_another_model_half_way_is_unfinished(study: Study, tmp_path: Path) -> None:
    run_toy(study, tmp_path / "out")
    other = ToyModel(fingerprint="toy-2")
    with pytest.raises(KeyboardInterrupt):
        run_toy(study, tmp_path / "out", other, report=stop_after(9))
    with pytest.raises(UnfinishedRunError):
        Run(tmp_path / "out").shards()
    partial = Run(tmp_path / "out", partial=True)
    assert {record.asked.model.fingerprint for record in partial.records()} == {"toy-2"}


def test_answers_stay_where_the_sound_is_gone(study: Study, tmp_path: Path) -> None:
    before = [facts(record) for record in run_toy(study, tmp_path / "out").records()]
    for clip in (tmp_path / "clips").glob("*.wav"):
        clip.unlink()
    model = ToyModel()
    run = run_toy(study, tmp_path / "out", model)
    assert model.batches == []
    assert [facts(record) for record in run.records()] == before


def test_a_failure_that_may_pass_is_asked_again_and_one_of_the_clip_is_kept(
    study: Study, tmp_path: Path
) -> None:
    class Unlucky(ToyModel):
        def generate(self, requests: Any) -> Any:
            for request in requests:
                if request.name == "clip1.wav":
                    raise MemoryError("no room")
                if request.name == "clip2.wav":
                    raise ConnectionError("server is down")
            return super().generate(requests)

    (tmp_path / "clips" / "clip3.wav").write_bytes(b"no sound")
    run = run_toy(study, tmp_path / "out", Unlucky(fails_on=("clip4.wav",)))
    codes = {r.asked.utterance.id: r.error.code for r in run.records() if r.error}
    assert codes == {"clip1": "memory", "clip2": "unreachable", "clip3": "clip", "clip4": "model"}
    model = ToyModel()
    run = run_toy(study, tmp_path / "out", model)
    assert {r.asked.utterance.id for r in run.records() if r.error} == {"clip3", "clip4"}
    assert {name for batch in model.batches for name in batch} == {"clip1.wav", "clip2.wav"}


def test_a_shard_of_another_version_is_neither_read_nor_overwritten(study: Study, tmp_path: Path) -> None:
    run = run_toy(study, tmp_path / "out")
    path = run.shard_path(0, 2)
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({"ambivox_schema": "99", "ambivox": "9.0"}), path)
    before = path.read_bytes()
    with pytest.raises(OtherVersionError, match=r"version 99, written by ambivox 9\.0"):
        run_toy(study, tmp_path / "out")
    assert path.read_bytes() == before


def test_a_run_without_a_manifest_is_refused_in_one_line(study: Study, tmp_path: Path) -> None:
    run = run_toy(study, tmp_path / "out")
    (run.folder / "manifest.json").unlink()
    with pytest.raises(UsageError, match=r"records without manifest\.json: run the study again"):
        run.shards()


@pytest.mark.parametrize("content", ["", "[]", "{", '{"plan": 3}', '{"plan": "x", "requests": "many"}'])
def test_a_damaged_manifest_is_one_line(study: Study, tmp_path: Path, content: str) -> None:
    run = run_toy(study, tmp_path / "out")
    (run.folder / "manifest.json").write_text(content, "utf-8")
    with pytest.raises(AmbivoxError, match=r"manifest\.json: damaged") as error:
        run.shards()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", ["", "[]", "a: [", "a: &x 1\nb: *x\n", "\x00", "prompts: 3\n"])
def test_a_damaged_study_of_a_run_is_one_line(study: Study, tmp_path: Path, content: str) -> None:
    run = run_toy(study, tmp_path / "out")
    run.study_path.write_text(content, "utf-8")
    for use in (run.study, lambda: run_toy(study, tmp_path / "out")):
        with pytest.raises(UsageError, match=r"study\.yaml|another study") as error:
            use()
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        "\x00",
        "null",
        "[" * 100_000,
        '{"corpora": 4}',
        '{"corpora": {"a": 1}}',
        '{"packages": []}',
    ],
)
def test_a_damaged_environment_of_a_run_is_one_line(study: Study, tmp_path: Path, content: str) -> None:
    run = run_toy(study, tmp_path / "out")
    (run.folder / "environment.json").write_text(content, "utf-8")
    with pytest.raises(AmbivoxError, match=r"environment\.json: not readable") as error:
        run.environment()
    assert "\n" not in str(error.value)


def _hold(path: str, held: Any, done: Any) -> None:
    with filelock.FileLock(path):
        held.set()
        done.wait(60)


def test_two_processes_do_not_write_one_folder(study: Study, tmp_path: Path) -> None:
    run = run_toy(study, tmp_path / "out")
    spawn = multiprocessing.get_context("spawn")
    held, done = spawn.Event(), spawn.Event()
    other = spawn.Process(target=_hold, args=(str(run.folder / ".lock"), held, done))
    other.start()
    try:
        assert held.wait(60)
        with pytest.raises(UsageError, match="another process is running this study"):
            run_toy(study, tmp_path / "out")
    finally:
        done.set()
        other.join()
    run_toy(study, tmp_path / "out")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("prompts: [word, word]", "prompts: 'word' is given twice"),
        ("order_seeds: [1, 1]", "order_seeds: 1 is given twice"),
        ("controls: [clip, clip]", "controls: 'clip' is given twice"),
        ("order_seeds: [-1]", "order_seeds: -1 is not between 0 and"),
        ("order_seeds: [99999999999999999999]", "is not between 0 and"),
        ("seed: &a 1\nbatch_size: *a", "aliases (*name) are not read"),
    ],
)
def test_levels_given_twice_and_impossible_seeds_are_found_before_anything_is_asked(
    tmp_path: Path, lines: str, said: str
) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(f"corpora: [{{name: manifest, path: m.csv}}]\n{lines}\n", "utf-8")
    with pytest.raises(UsageError, match=re.escape(said)):
        load_study(path)


def test_a_study_that_is_a_pipe_or_a_device_or_too_long_is_refused(tmp_path: Path) -> None:
    pipe, long = tmp_path / "pipe.yaml", tmp_path / "long.yaml"
    os.mkfifo(pipe)
    long.write_text("# " + "x" * 2**20, "utf-8")
    for path in (pipe, Path("/dev/zero")):
        with pytest.raises(UsageError, match="not a plain file"):
            load_study(path)
    with pytest.raises(UsageError, match="at most 1,048,576 are read"):
        load_study(long)


def test_records_changed_on_disk_under_the_same_keys_are_still_read(study: Study, tmp_path: Path) -> None:
    run = run_toy(study, tmp_path / "out")
    path = run.shard_path(0, 0)
    write_records(read_records(path), path)
    assert len(list(run.records())) == 24


def test_a_run_killed_before_its_study_was_written_goes_on(study: Study, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "records").mkdir(parents=True)
    (out / ".lock").touch()
    (out / "study.yaml.partial").write_text("corp", "utf-8")
    assert len(list(run_toy(study, out).records())) == 24
    (tmp_path / "other" / "records").mkdir(parents=True)
    (tmp_path / "other" / "records" / "mine.txt").touch()
    with pytest.raises(UsageError, match="is not a run"):
        run_toy(study, tmp_path / "other")
