"""A run in storage that fsspec reaches, on its file system in memory: the run of a disk, object by object."""

import json
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ambivox import lease, score
from ambivox.cli import app
from ambivox.errors import AmbivoxError, UsageError
from ambivox.location import location
from ambivox.run import Part, Run, Study, merge_parts, run_study
from tests.records import facts
from tests.run.toy import ToyModel

MemoryFileSystem = pytest.importorskip("fsspec.implementations.memory").MemoryFileSystem
pytest.importorskip("upath")
OUT = "memory://bucket/run"


@pytest.fixture(autouse=True)
def storage(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Empty storage; its objects by name."""
    monkeypatch.setattr(lease, "SETTLED_S", 0.0)
    monkeypatch.setattr(MemoryFileSystem, "store", {})
    monkeypatch.setattr(MemoryFileSystem, "pseudo_dirs", [""])
    return MemoryFileSystem.store


def records(run: Run) -> list[dict[str, object]]:
    return [facts(record) for record in run.records()]


@pytest.mark.parametrize("out", [OUT, Path(OUT)], ids=["text", "path, which keeps one slash of two"])
def test_a_run_in_storage_has_the_records_of_one_on_a_disk(
    study: Study, tmp_path: Path, storage: dict[str, object], out: str | Path
) -> None:
    local = run_study(study, tmp_path / "out", models=[ToyModel()])
    stored = run_study(study, out, models=[ToyModel()])
    assert records(stored) == records(local)
    assert stored.progress() == (24, 24)
    assert not Path("memory:").exists()
    names = {Path(name).name for name in storage}
    assert names == {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()} - {".lock"}


def test_a_run_in_storage_goes_on_where_it_stopped(study: Study, tmp_path: Path) -> None:
    def stop(progress: object) -> None:
        if getattr(progress, "done", 0) > 9:
            raise StopIteration

    with pytest.raises(StopIteration):
        run_study(study, OUT, models=[ToyModel()], report=stop)
    kept = Run(OUT, partial=True).progress()[0]
    assert 0 < kept < 24
    seen = []
    again = run_study(study, OUT, models=[ToyModel()], report=seen.append)
    assert seen[-1].kept >= kept
    assert records(again) == records(run_study(study, tmp_path / "out", models=[ToyModel()]))


def test_a_study_in_storage_may_grow(study: Study) -> None:
    small = study.model_copy(update={"prompts": ("word",)})
    grown = study.model_copy(update={"prompts": ("letter", "word")})
    run_study(small, OUT, models=[ToyModel()])
    seen = []
    run = run_study(grown, OUT, models=[ToyModel()], report=seen.append)
    assert (seen[-1].total, seen[-1].kept) == (12, 6)
    assert not (run.folder / "before").exists()


def test_parts_in_storage_are_put_together(study: Study, tmp_path: Path) -> None:
    for n in (1, 2):
        run_study(study, OUT, models=[ToyModel()], part=Part(n, 2))
    assert records(merge_parts(OUT)) == records(run_study(study, tmp_path / "out", models=[ToyModel()]))


@pytest.mark.usefixtures("few_noise_draws")
def test_scores_report_and_export_read_from_storage(study: Study, tmp_path: Path) -> None:
    local = run_study(study, tmp_path / "out", models=[ToyModel()])
    run_study(study, OUT, models=[ToyModel()])
    assert repr(score(OUT).rows) == repr(score(local).rows)  # some are nan
    for command in (["score", OUT], ["report", OUT], ["export", OUT, "--out", str(tmp_path / "t.csv")]):
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 0, done.output
    page = (location(OUT) / "report.html").read_text(encoding="utf-8")
    assert page.endswith("</html>")
    assert (tmp_path / "t.csv").read_text("utf-8").count("\n") > 24


def test_a_second_writer_is_refused_until_the_first_has_ended_or_died(study: Study) -> None:
    run = run_study(study, OUT, models=[ToyModel()])
    note = run.folder / ".lock"
    assert not note.exists()
    note.write_text(json.dumps({"owner": "other", "host": "node7", "at_s": time.time()}), encoding="utf-8")
    with pytest.raises(UsageError, match=r"another process is running this study.*on node7.*lets go after"):
        run_study(study, OUT, models=[ToyModel()])
    died_s = time.time() - lease.LEASE_S - 1
    note.write_text(json.dumps({"owner": "other", "host": "node7", "at_s": died_s}), encoding="utf-8")
    run_study(study, OUT, models=[ToyModel()])
    assert not note.exists()


def test_of_two_that_begin_at_the_same_moment_one_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    note = location(OUT) / ".lock"

    def other_writes(_: float) -> None:
        note.write_text(json.dumps({"owner": "other", "host": "a", "at_s": time.time()}), encoding="utf-8")

    monkeypatch.setattr(lease.time, "sleep", other_writes)
    with pytest.raises(UsageError, match="at the same moment"), lease.leased(note, "refused"):
        pass
    assert json.loads(note.read_text(encoding="utf-8"))["owner"] == "other"


class RefusedError(Exception):
    """As a storage's own error: its text quotes what nobody should read."""

    def __init__(self) -> None:
        super().__init__("signed with SECRET at https://host/?Signature=SECRET")
        self.response = {"Error": {"Code": "InvalidAccessKeyId"}}


def test_storage_that_refuses_is_one_line_without_what_it_said(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RefusedError

    for method in ("info", "ls", "cat_file", "_open", "find", "pipe_file"):
        monkeypatch.setattr(MemoryFileSystem, method, refuse)
    for use in (lambda: run_study(study, OUT, models=[ToyModel()]), lambda: Run(OUT).shards()):
        with pytest.raises(AmbivoxError, match="refused or was not there") as raised:
            use()
        assert "RefusedError InvalidAccessKeyId" in str(raised.value)
        assert "SECRET" not in str(raised.value)
        assert "\n" not in str(raised.value)


def test_storage_that_vanishes_leaves_only_whole_shards(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_file, sent = MemoryFileSystem.put_file, []

    def vanish_later(self: MemoryFileSystem, *given: object, **options: object) -> None:
        sent.append(given)
        if len(sent) > 7:
            raise ConnectionError("gone")
        put_file(self, *given, **options)

    with monkeypatch.context() as patch:
        patch.setattr(MemoryFileSystem, "put_file", vanish_later)
        with pytest.raises(AmbivoxError, match="refused or was not there"):
            run_study(study, OUT, models=[ToyModel()])
    done, requests = Run(OUT, partial=True).progress()
    assert 0 < done < requests
    again = run_study(study, OUT, models=[ToyModel()])
    assert records(again) == records(run_study(study, tmp_path / "out", models=[ToyModel()]))


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("file:///etc", "storage of this kind is not used"),
        ("zip://a::file:///etc/b", "storage of this kind is not used"),
        ("memory://a::file:///etc/b", "storage of this kind is not used"),
        ("s3://key:hush@bucket/run", "holds no password"),
    ],
)
def test_an_address_that_is_not_taken_is_told_without_its_password(address: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as raised:
        location(address)
    assert "hush" not in str(raised.value)


def stored_clips(tmp_path: Path, *, but: str = "") -> None:
    """Let the manifest name its clips by their addresses in storage, where they lie, but for one."""
    manifest = tmp_path / "clips" / "manifest.csv"
    text = manifest.read_text("utf-8")
    for clip in (tmp_path / "clips").glob("*.wav"):
        if clip.name != but:
            (location("memory://sounds") / clip.name).write_bytes(clip.read_bytes())
        text = text.replace(clip.name, f"memory://sounds/{clip.name}")
        clip.unlink()
    manifest.write_text(text, "utf-8")


def test_clips_in_storage_are_heard_as_those_on_a_disk(study: Study, tmp_path: Path) -> None:
    local = list(run_study(study, tmp_path / "out", models=[ToyModel()]).records())
    stored_clips(tmp_path)
    stored = list(run_study(study, OUT, models=[ToyModel()]).records())
    assert [record.key for record in stored] == [record.key for record in local]
    assert [record.replied.text for record in stored] == [record.replied.text for record in local]
    assert stored[0].asked.clip.path.startswith("memory://sounds/")


def test_a_clip_that_is_not_in_storage_is_a_failed_record_that_names_its_address(
    study: Study, tmp_path: Path
) -> None:
    stored_clips(tmp_path, but="clip3.wav")
    failed = [one for one in run_study(study, OUT, models=[ToyModel()]).records() if one.error]
    assert {record.asked.utterance.id for record in failed} == {"clip3"}
    assert failed[0].error is not None
    assert failed[0].error.text.startswith("memory://sounds/clip3.wav: no such")


def test_a_damaged_clip_in_storage_is_told_by_its_address(study: Study, tmp_path: Path) -> None:
    stored_clips(tmp_path)
    (location("memory://sounds") / "clip2.wav").write_bytes(b"no sound")
    failed = [one.error for one in run_study(study, OUT, models=[ToyModel()]).records() if one.error]
    assert {error.text.partition(": ")[0] for error in failed} == {"memory://sounds/clip2.wav"}
