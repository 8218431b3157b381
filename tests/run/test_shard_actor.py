"""What a worker of a cluster does, without a cluster: it fills any shard alone, and knows who died."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ambivox.errors import UsageError
from ambivox.models import SpeechModel
from ambivox.record import Record, read_records
from ambivox.run import Run, Study, run_study
from ambivox.run.hold import hash_of, hold
from ambivox.run.on_ray import _check_answers
from ambivox.run.plan import cut_of, look_up
from ambivox.run.shard_actor import TRIES, Filled, Order, ShardActor
from tests.records import facts
from tests.run.deadly import Died, DyingModel
from tests.run.toy import ToyModel


@pytest.fixture
def begun(study: Study, tmp_path: Path) -> Order:
    """The folder of a run as a driver makes it, and what its workers are told."""
    with hold(study, tmp_path / "out", lambda progress: None):
        (tmp_path / "out" / TRIES).mkdir()
    return Order(study, tmp_path / "out", 0, hash_of(look_up(study)), lambda spec: ToyModel())


def of_model(order: Order, model: SpeechModel) -> ShardActor:
    return ShardActor(replace(order, load=lambda spec: model))


def plain(record: Record) -> dict[str, Any]:
    return facts(record, ("answer_of",))


def in_folder(order: Order) -> list[dict[str, Any]]:
    paths = sorted((order.folder / "records").glob("*.parquet"))
    return [plain(record) for path in paths for record in read_records(path)]


@pytest.mark.parametrize("controls", [("clip",), ("clip", "silence", "swapped", "no-audio")])
def test_shards_filled_backwards_by_two_workers_are_the_run_of_one_process(
    study: Study, tmp_path: Path, controls: tuple[str, ...]
) -> None:
    study = study.model_copy(update={"controls": controls})
    whole = [plain(r) for r in run_study(study, tmp_path / "whole", models=[ToyModel()]).records()]
    with hold(study, tmp_path / "out", lambda progress: None):
        (tmp_path / "out" / TRIES).mkdir()
    order = Order(study, tmp_path / "out", 0, hash_of(look_up(study)), lambda spec: ToyModel())
    workers = ShardActor(order), ShardActor(order)
    for number in reversed(range(len(cut_of(look_up(study))))):
        assert workers[number % 2].fill(number).error is None
    assert in_folder(order) == whole
    assert list((tmp_path / "out" / TRIES).iterdir()) == []


def test_a_shard_that_is_there_is_not_asked_again(begun: Order) -> None:
    first = ShardActor(begun).fill(0)
    model = ToyModel()
    again = of_model(begun, model).fill(0)
    assert (first.kept, again.kept) == (0, first.shard.records)
    assert again.shard == first.shard
    assert model.batches == []


def die(order: Order, model: DyingModel, number: int = 0) -> None:
    with pytest.raises(Died):
        of_model(order, model).fill(number)


def test_after_one_death_the_same_batches_are_asked(begun: Order) -> None:
    calm, deadly = ToyModel(), DyingModel(deadly=("clip0.wav",))
    die(begun, deadly)
    of_model(begun, calm).fill(0)
    fresh = ToyModel()
    path = Run(begun.folder).shard_path(0, 0)
    path.unlink()
    of_model(begun, fresh).fill(0)
    assert calm.batches == fresh.batches


def test_a_clip_that_kills_whoever_hears_it_is_left_out_after_two_tries_and_one_alone(
    study: Study, tmp_path: Path
) -> None:
    study = study.model_copy(update={"shard_size": 12, "batch_size": 12})
    whole = [plain(r) for r in run_study(study, tmp_path / "whole", models=[ToyModel()]).records()]
    with hold(study, tmp_path / "out", lambda progress: None):
        (tmp_path / "out" / TRIES).mkdir()
    order = Order(study, tmp_path / "out", 0, hash_of(look_up(study)), lambda spec: ToyModel())
    model = DyingModel(deadly=("clip1.wav",))
    for _ in range(3):
        die(order, model)
    filled = of_model(order, model).fill(0)
    assert of_model(order, model).fill(1).error is None
    got = in_folder(order)
    left_out = [record for record in got if record["error"]]
    assert {record["asked"].utterance.id for record in left_out} == {"clip1"}
    assert {record["error"].code for record in left_out} == {"crash"}
    assert "clip1.wav: whoever asks about it dies" in left_out[0]["error"].text
    assert len(left_out) == filled.failed == 4
    assert [r for r in got if not r["error"]] == [r for r in whole if r["asked"].utterance.id != "clip1"]


def test_a_model_that_kills_whoever_loads_it_is_one_line(begun: Order) -> None:
    def load(spec: object) -> SpeechModel:
        raise Died

    for _ in range(3):
        with pytest.raises(Died):
            ShardActor(replace(begun, load=load)).fill(0)
    filled = ShardActor(replace(begun, load=load)).fill(0)
    assert filled.error is not None
    assert "mini: 3 processes died while they loaded it" in filled.error


def test_a_worker_that_sees_other_files_than_the_driver_is_refused(begun: Order, tmp_path: Path) -> None:
    manifest = tmp_path / "clips" / "manifest.csv"
    manifest.write_text(manifest.read_text("utf-8").replace("speaker0", "zoe", 1), "utf-8")
    filled = ShardActor(begun).fill(0)
    assert filled.usage
    assert "not those with which the run was started" in (filled.error or "")


def test_a_worker_that_does_not_see_the_folder_says_so(begun: Order, tmp_path: Path) -> None:
    filled = ShardActor(replace(begun, folder=tmp_path / "elsewhere")).fill(0)
    assert "choose an --out that all nodes share" in (filled.error or "")
    assert not (tmp_path / "elsewhere").exists()


def test_what_a_worker_tells_survives_its_way_to_the_driver(begun: Order) -> None:
    filled = ShardActor(begun).fill(0)
    assert Filled.model_validate_json(filled.model_dump_json()) == filled
    assert filled.worker is not None
    assert filled.worker.fingerprint == "toy-1"


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.0.0.1:99999"])
def test_an_address_where_nobody_listens_is_one_line_at_once(address: str) -> None:
    with pytest.raises(UsageError, match=rf"{address}: no Ray cluster to run on \(.+\)"):
        _check_answers(address)


@pytest.mark.parametrize("address", [None, "auto", "local", "ray://127.0.0.1:1"])
def test_addresses_that_only_ray_understands_are_left_to_it(address: str | None) -> None:
    _check_answers(address)
