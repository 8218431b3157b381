"""A study in parts: each its own folder and process, and together the run of one process."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ambivox.errors import AmbivoxError, UsageError
from ambivox.manifest import locked
from ambivox.record import Record
from ambivox.run import Part, Run, Study, merge_parts, parse_part, run_study
from ambivox.run.plan import count_requests, look_up
from tests.records import facts
from tests.run.toy import ToyModel


def run_parts(study: Study, out: Path, of: int) -> list[Run]:
    return [run_study(study, out, models=[ToyModel()], part=Part(n, of)) for n in range(1, of + 1)]


def plain(record: Record) -> dict[str, object]:
    """A record but for times, and for the clip that was asked what is the same for several."""
    return facts(replace(record, answer_of=None))


@pytest.mark.parametrize("of", [1, 2, 3, 9])
def test_parts_put_together_are_the_run_of_one_process(study: Study, tmp_path: Path, of: int) -> None:
    study = study.model_copy(update={"controls": ("clip", "silence", "swapped", "no-audio")})
    whole = run_study(study, tmp_path / "whole", models=[ToyModel()])
    run_parts(study, tmp_path / "parts", of)
    merged = merge_parts(tmp_path / "parts")
    assert list(map(plain, merged.records())) == list(map(plain, whole.records()))
    assert merged.progress() == whole.progress()
    assert merged.study() == whole.study()
    assert [path.name for path in merged.shards()] == [path.name for path in whole.shards()]


def test_a_merged_run_is_not_asked_again(study: Study, tmp_path: Path) -> None:
    study = study.model_copy(update={"controls": ("clip", "no-audio")})
    run_parts(study, tmp_path / "out", 3)
    merge_parts(tmp_path / "out")
    seen = []
    run_study(study, tmp_path / "out", models=[ToyModel()], report=seen.append)
    assert seen[-1].kept == seen[-1].total == 6 * 4 * 2


def test_every_shard_is_in_one_part(study: Study) -> None:
    parts = look_up(study)
    for of in (1, 2, 3, 4, 7, 100):
        counts = [count_requests(parts, Part(n, of)) for n in range(1, of + 1)]
        assert sum(counts) == count_requests(parts) == 24
        assert max(counts) <= -(-6 // of) * study.shard_size


def test_merging_twice_changes_nothing(study: Study, tmp_path: Path) -> None:
    run_parts(study, tmp_path, 2)
    first = [facts(record) for record in merge_parts(tmp_path).records()]
    assert [facts(record) for record in merge_parts(tmp_path).records()] == first


def test_a_part_that_stopped_is_named_and_goes_on(study: Study, tmp_path: Path) -> None:
    def stop(progress: object) -> None:
        if getattr(progress, "done", 0) >= 6:
            raise KeyboardInterrupt

    run_study(study, tmp_path, models=[ToyModel()], part=Part(2, 2))
    with pytest.raises(KeyboardInterrupt):
        run_study(study, tmp_path, models=[ToyModel()], part=Part(1, 2), report=stop)
    with pytest.raises(UsageError, match=r"parts/1-of-2: unfinished: \d+ of 12 .*run this part"):
        merge_parts(tmp_path)
    assert not (tmp_path / "records").exists()
    run_study(study, tmp_path, models=[ToyModel()], part=Part(1, 2))
    assert merge_parts(tmp_path).progress() == (24, 24)


def test_what_cannot_be_put_together_is_one_line(study: Study, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no parts of a run here"):
        merge_parts(tmp_path / "none")
    run_study(study, tmp_path / "one", models=[ToyModel()], part=Part(1, 3))
    with pytest.raises(UsageError, match=r"2 missing: 2-of-3, 3-of-3: run them"):
        merge_parts(tmp_path / "one")
    run_parts(study, tmp_path / "two", 2)
    shutil.copytree(tmp_path / "one" / "parts" / "1-of-3", tmp_path / "two" / "parts" / "1-of-3")
    with pytest.raises(UsageError, match="parts of 2 and of 3: remove one kind"):
        merge_parts(tmp_path / "two")


def test_parts_of_two_studies_or_models_are_never_mixed(study: Study, tmp_path: Path) -> None:
    other = study.model_copy(update={"seed": 7})
    run_study(study, tmp_path / "a", models=[ToyModel()], part=Part(1, 2))
    run_study(other, tmp_path / "a", models=[ToyModel()], part=Part(2, 2))
    with pytest.raises(UsageError, match=r"2-of-2: of another study, corpus or prompt than 1-of-2"):
        merge_parts(tmp_path / "a")
    newer = ToyModel()
    newer.fingerprint = "newer"
    run_study(study, tmp_path / "b", models=[ToyModel()], part=Part(1, 2))
    run_study(study, tmp_path / "b", models=[newer], part=Part(2, 2))
    with pytest.raises(UsageError, match="2-of-2: asked another model than 1-of-2"):
        merge_parts(tmp_path / "b")


def test_parts_that_are_not_put_together_are_neither_read_nor_run_over(study: Study, tmp_path: Path) -> None:
    run_parts(study, tmp_path / "out", 2)
    with pytest.raises(AmbivoxError, match="a run in parts: put them together with 'ambivox merge'"):
        list(Run(tmp_path / "out").records())
    with pytest.raises(UsageError, match="a run in parts: put them together with 'ambivox merge'"):
        run_study(study, tmp_path / "out", models=[ToyModel()])


def test_two_processes_never_write_one_part(study: Study, tmp_path: Path) -> None:
    run_study(study, tmp_path, models=[ToyModel()], part=Part(1, 2))
    with locked(Part(1, 2).folder(tmp_path)), pytest.raises(UsageError, match="another process is running"):
        run_study(study, tmp_path, models=[ToyModel()], part=Part(1, 2))


@pytest.mark.parametrize("text", ["", "3", "0/4", "5/4", "-1/4", "1/0", "a/b", "1/4/2", "٣/٤", "1 / 4"])
def test_a_part_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="write the part and how many there are"):
        parse_part(text)
