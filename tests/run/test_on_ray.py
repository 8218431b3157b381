"""A study on a Ray cluster: the records of a local run, whoever dies; what is wrong is one line."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ambivox.errors import AmbivoxError, UsageError
from ambivox.manifest import locked
from ambivox.run import Actors, Progress, Run, Study, run_on_ray, run_study
from ambivox.run.made_folder import packages
from ambivox.run.on_ray import LOCAL, check_alike
from ambivox.run.shard_actor import TRIES, Worker
from ambivox.study import ModelSpec
from tests.records import facts
from tests.run.deadly import load, load_on_poor_disk, load_slow
from tests.run.toy import ToyModel

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.filterwarnings("default")  # Ray warns of itself
TWO = Actors(n=2)


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A Ray of this machine alone, with room for two workers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init("local", num_cpus=2, log_to_driver=False, **LOCAL)
        yield
        ray.shutdown()


def asking(study: Study, **options: Any) -> Study:
    """The study, of a model with these options."""
    return study.model_copy(update={"models": (ModelSpec(name="toy", options=options),)})


def plain(run: Run) -> list[dict[str, Any]]:
    return [facts(record, ("answer_of",)) for record in run.records()]


@pytest.fixture
def whole(study: Study, tmp_path: Path) -> list[dict[str, Any]]:
    """The records of a local run."""
    return plain(run_study(asking(study), tmp_path / "whole", models=[ToyModel()]))


@pytest.mark.usefixtures("cluster")
def test_the_records_are_those_of_a_local_run(
    study: Study, tmp_path: Path, whole: list[dict[str, Any]]
) -> None:
    seen: list[Progress] = []
    run = run_on_ray(asking(study), tmp_path / "out", TWO, load=load, report=seen.append)
    assert plain(run) == whole
    assert seen[-1] == Progress(done=24, failed=0, total=24, kept=0)
    assert not (run.folder / TRIES).exists()
    local = Run(tmp_path / "whole")
    assert run.environment() == local.environment()
    assert [path.name for path in run.shards()] == [path.name for path in local.shards()]


@pytest.mark.usefixtures("cluster")
def test_a_run_goes_on_on_a_cluster_and_back(
    study: Study, tmp_path: Path, whole: list[dict[str, Any]]
) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.done >= 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_study(asking(study), tmp_path / "out", models=[ToyModel()], report=interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_on_ray(asking(study), tmp_path / "out", TWO, load=load, report=interrupt)
    seen: list[Progress] = []
    assert plain(run_on_ray(asking(study), tmp_path / "out", TWO, load=load, report=seen.append)) == whole
    assert seen[-1].kept >= 4
    run_study(asking(study), tmp_path / "out", models=[ToyModel()], report=seen.append)
    assert seen[-1].kept == 24


@pytest.mark.usefixtures("cluster")
def test_deaths_lose_and_double_nothing_and_a_deadly_clip_is_named_while_the_rest_goes_on(
    study: Study, tmp_path: Path, whole: list[dict[str, Any]]
) -> None:
    once = tmp_path / "once"
    once.touch()
    dying = asking(study, deadly=["clip3.wav"], once=[str(once)])
    got = plain(run_on_ray(dying, tmp_path / "out", TWO, load=load))
    assert not once.exists(), "nobody was killed but by the clip"
    codes = Counter((r["asked"].utterance.id, r["error"].code) for r in got if r["error"])
    assert codes == {("clip3", "crash"): 4}
    assert [r for r in got if not r["error"]] == [r for r in whole if r["asked"].utterance.id != "clip3"]
    assert len({record["key"] for record in got}) == len(got) == 24


@pytest.mark.usefixtures("cluster")
def test_a_straggler_is_not_waited_for_while_there_are_shards(
    study: Study, tmp_path: Path, whole: list[dict[str, Any]]
) -> None:
    first, log = tmp_path / "first", tmp_path / "log"
    first.touch()
    slow = asking(study, first=str(first), wait_s=2.0, log=str(log))
    assert plain(run_on_ray(slow, tmp_path / "out", TWO, load=load_slow)) == whole
    waits = [float(line.split()[1]) for line in log.read_text("utf-8").splitlines()]
    assert 0 < sum(wait > 0 for wait in waits) < len(waits) / 2


@pytest.mark.usefixtures("cluster")
def test_a_full_disk_is_one_line_and_the_run_goes_on_when_there_is_room(
    study: Study, tmp_path: Path, whole: list[dict[str, Any]]
) -> None:
    full, out = tmp_path / "full", tmp_path / "out"
    full.touch()
    poor = asking(study, full=str(full), wait_s=0.0)
    with pytest.raises(AmbivoxError, match=r"\.parquet: cannot be written \(No space left on device\): make"):
        run_on_ray(poor, out, TWO, load=load_on_poor_disk)
    assert Run(out, partial=True).progress() == (0, 24)
    assert not list((out / "records").iterdir())
    full.unlink()
    assert plain(run_on_ray(poor, out, TWO, load=load_on_poor_disk)) == whole


@pytest.mark.usefixtures("cluster")
def test_slow_storage_changes_no_record(study: Study, tmp_path: Path, whole: list[dict[str, Any]]) -> None:
    poor = asking(study, full=str(tmp_path / "never"), wait_s=0.5)
    assert plain(run_on_ray(poor, tmp_path / "out", TWO, load=load_on_poor_disk)) == whole


DRIVER = """
import sys
from pathlib import Path
from ambivox.run import Actors, Study, run_on_ray
from tests.run.deadly import load_slow
study = Study.model_validate_json(Path(sys.argv[1]).read_text("utf-8"))
run_on_ray(study, sys.argv[2], Actors(address=sys.argv[3], n=1), load=load_slow)
"""


@pytest.mark.usefixtures("cluster")
def test_a_killed_driver_costs_no_record_that_was_written(
    study: Study, tmp_path: Path, whole: list[dict[str, Any]]
) -> None:
    slow, out, written = asking(study, wait_s=1.0), tmp_path / "out", tmp_path / "study.json"
    written.write_text(slow.model_dump_json(), encoding="utf-8")
    address = ray.get_runtime_context().gcs_address
    driver = subprocess.Popen([sys.executable, "-c", DRIVER, str(written), str(out), address])
    until_s = time.monotonic() + 120
    while not list(out.glob("records/*.parquet")) and driver.poll() is None and time.monotonic() < until_s:
        time.sleep(0.1)
    assert driver.poll() is None, "it ended before it was killed"
    driver.kill()
    driver.wait()
    there = len(list(out.glob("records/*.parquet")))
    seen: list[Progress] = []
    assert plain(run_on_ray(slow, out, TWO, load=load_slow, report=seen.append)) == whole
    assert 0 < there < 6
    assert seen[-1].kept >= 4 * there


@pytest.mark.usefixtures("cluster")
def test_what_is_wrong_is_one_line(study: Study, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(UsageError, match="too few for an actor of 1 and 3: add a node, or ask for less"):
        run_on_ray(asking(study), out, Actors(gpus=3), load=load)
    with locked(out), pytest.raises(UsageError, match="another process is running this study"):
        run_on_ray(asking(study), out, TWO, load=load)
    with pytest.raises(UsageError, match=r"holds the run of another study \(differs in seed\)"):
        run_on_ray(asking(study).model_copy(update={"seed": 5}), out, TWO, load=load)
    with pytest.raises(UsageError, match="unknown model 'toy'"):
        run_on_ray(asking(study), out, TWO)


WORKER = Worker(node="a", model="toy", fingerprint="1", python="3.11.9", packages=packages())


@pytest.mark.parametrize(
    ("update", "line"),
    [
        ({"packages": WORKER.packages | {"ambivox": "0.0.1"}}, "node b: has ambivox 0.0.1, this machine"),
        ({"packages": WORKER.packages | {"numpy": "1.0"}}, "nodes a and b: have numpy .* and 1.0: install"),
        ({"python": "3.12.1"}, "nodes a and b: have python 3.11.9 and 3.12.1: install the same"),
        ({"fingerprint": "2"}, "nodes a and b: toy is not the same model on both"),
    ],
)
def test_nodes_that_are_not_alike_are_refused(update: dict[str, Any], line: str) -> None:
    check_alike(WORKER, WORKER.model_copy(update={"node": "b"}))
    with pytest.raises(UsageError, match=line):
        check_alike(WORKER, WORKER.model_copy(update={"node": "b"} | update))
