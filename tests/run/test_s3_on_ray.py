"""A run in an S3-compatible server, written by the workers of a Ray cluster."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ambivox.errors import AmbivoxError
from ambivox.location import location
from ambivox.run import Actors, Run, Study, run_on_ray, run_study
from ambivox.run.on_ray import LOCAL
from ambivox.run.shard_actor import TRIES
from ambivox.study import ModelSpec
from tests.records import facts
from tests.run.conftest import SECRET
from tests.run.deadly import load
from tests.run.toy import ToyModel

ray = pytest.importorskip("ray")
pytest.importorskip("moto.server")
pytest.importorskip("s3fs")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]  # its packages warn of themselves
OUT, TWO = "s3://studies/run", Actors(n=2)


@pytest.fixture
def cluster(server: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """A Ray of this machine alone, whose workers have the way to the server from their environment."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    ray.init("local", num_cpus=2, log_to_driver=False, **LOCAL)
    yield server
    ray.shutdown()


def asking(study: Study, **options: Any) -> Study:
    return study.model_copy(update={"models": (ModelSpec(name="toy", options=options),)})


def plain(run: Run) -> list[dict[str, Any]]:
    return [facts(record, ("answer_of",)) for record in run.records()]


@pytest.mark.usefixtures("cluster")
def test_workers_that_die_lose_and_double_no_record_of_a_run_in_s3(study: Study, tmp_path: Path) -> None:
    whole = plain(run_study(asking(study), tmp_path / "whole", models=[ToyModel()]))
    once = tmp_path / "once"
    once.touch()
    dying = asking(study, deadly=["clip3.wav"], once=[str(once)])
    got = plain(run_on_ray(dying, OUT, TWO, load=load))
    assert not once.exists(), "nobody was killed but by the clip"
    codes = Counter((r["asked"].utterance.id, r["error"].code) for r in got if r["error"])
    assert codes == {("clip3", "crash"): 4}
    assert [r for r in got if not r["error"]] == [r for r in whole if r["asked"].utterance.id != "clip3"]
    assert not (location(OUT) / TRIES).exists()
    assert not (location(OUT) / ".lock").exists()


def test_a_server_that_vanishes_is_one_line_without_the_key(study: Study, cluster: Any) -> None:
    def stop(progress: object) -> None:
        cluster.stop()

    with pytest.raises(AmbivoxError, match="refused or was not there") as raised:
        run_on_ray(asking(study), OUT, TWO, load=load, report=stop)
    assert "\n" not in str(raised.value)
    assert SECRET not in str(raised.value)


@pytest.mark.usefixtures("cluster")
def test_a_local_run_in_s3_goes_on_on_a_cluster(study: Study, tmp_path: Path) -> None:
    whole = plain(run_study(asking(study), tmp_path / "whole", models=[ToyModel()]))

    def stop(progress: object) -> None:
        if getattr(progress, "done", 0) > 9:
            raise StopIteration

    with pytest.raises(StopIteration):
        run_study(asking(study), OUT, models=[ToyModel()], report=stop)
    seen = []
    assert plain(run_on_ray(asking(study), OUT, TWO, load=load, report=seen.append)) == whole
    assert 0 < seen[-1].kept < 24
