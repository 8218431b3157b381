"""A run in an S3-compatible server on loopback; `make test-s3` brings its packages (132 MB)."""

import os
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from ambivox.cli import app
from ambivox.errors import AmbivoxError
from ambivox.location import location
from ambivox.run import Run, Study, run_study
from tests.records import facts
from tests.run.conftest import SECRET
from tests.run.toy import ToyModel

pytest.importorskip("moto.server")
s3fs = pytest.importorskip("s3fs")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]  # its packages warn of themselves
OUT = "s3://studies/run"


def records(run: Run) -> list[dict[str, object]]:
    return [facts(record) for record in run.records()]


@pytest.mark.usefixtures("server")
def test_a_run_in_s3_has_the_records_of_one_on_a_disk_and_goes_on(study: Study, tmp_path: Path) -> None:
    local = run_study(study, tmp_path / "out", models=[ToyModel()])

    def stop(progress: object) -> None:
        if getattr(progress, "done", 0) > 9:
            raise StopIteration

    with pytest.raises(StopIteration):
        run_study(study, OUT, models=[ToyModel()], report=stop)
    seen = []
    stored = run_study(study, OUT, models=[ToyModel()], report=seen.append)
    assert seen[-1].kept > 0
    assert records(stored) == records(local)
    assert not (location(OUT) / ".lock").exists()


@pytest.mark.usefixtures("server")
def test_a_study_in_s3_may_grow_and_what_was_set_aside_is_gone(study: Study) -> None:
    run_study(study.model_copy(update={"prompts": ("word",)}), OUT, models=[ToyModel()])
    seen = []
    grown = study.model_copy(update={"prompts": ("letter", "word")})
    run_study(grown, OUT, models=[ToyModel()], report=seen.append)
    assert (seen[-1].total, seen[-1].kept) == (12, 6)
    assert not (location(OUT) / "before").exists()


@pytest.mark.usefixtures("server")
def test_commands_read_a_run_in_s3(study: Study, tmp_path: Path) -> None:
    run_study(study, OUT, models=[ToyModel()])
    for command in (["score", OUT], ["report", OUT], ["export", OUT, "--out", str(tmp_path / "t.csv")]):
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 0, done.output
    assert (location(OUT) / "report.html").read_text(encoding="utf-8").endswith("</html>")


@pytest.mark.usefixtures("server")
def test_a_bucket_that_is_not_there_is_one_line_and_is_not_made(study: Study) -> None:
    with pytest.raises(AmbivoxError) as raised:
        run_study(study, "s3://other/run", models=[ToyModel()])
    assert "\n" not in str(raised.value)
    assert "s3://other/run" in str(raised.value)
    assert s3fs.S3FileSystem().ls("") == ["studies"]


def test_a_server_that_vanishes_is_one_line_and_only_whole_shards_are_there(
    study: Study, tmp_path: Path, server: object
) -> None:
    run_study(study.model_copy(update={"prompts": ("word",)}), OUT, models=[ToyModel()])

    def stop(progress: object) -> None:
        if getattr(progress, "done", 0) > 9:
            server.stop()  # type: ignore[attr-defined]

    with pytest.raises(AmbivoxError, match="refused or was not there") as raised:
        run_study(study, OUT, models=[ToyModel()], report=stop)
    assert "\n" not in str(raised.value)
    assert SECRET not in str(raised.value)


@pytest.mark.usefixtures("server")
def test_a_wrong_key_is_one_line_without_it(study: Study) -> None:
    run_study(study, OUT, models=[ToyModel()])
    auth = f"{os.environ['AWS_ENDPOINT_URL']}/moto-api/reset-auth"
    httpx.post(auth, content=b"0").raise_for_status()  # from here on the server looks at keys
    try:
        for use in (lambda: Run(OUT).shards(), lambda: run_study(study, OUT, models=[ToyModel()])):
            with pytest.raises(AmbivoxError, match="refused or was not there") as raised:
                use()
            assert "\n" not in str(raised.value)
            assert SECRET not in str(raised.value)
    finally:
        httpx.post(auth, content=b"inf").raise_for_status()
