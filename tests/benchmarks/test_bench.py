"""The benchmark measures equal work, and its floor counts what cannot be avoided."""

import json

import numpy as np
import pytest
import torch
from benchmarks.engine import Plan, bench, floor, show, work
from benchmarks.engine.measure import AMBIVOX, peak_memory
from torch.utils.flop_counter import FlopCounterMode

from ambivox import load_model
from ambivox.models.hf.adapter import TransformersModel
from tests.models.hf.checkpoints import qwen2_audio

PLAN = Plan(clips=3, prompts=2, new_tokens=3, repeats=2, slow_clips=1, growth=False)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> TransformersModel:
    """Of the class of mini, and smaller."""
    folder = qwen2_audio(tmp_path_factory.mktemp("small"), max_source_positions=100)
    loaded = load_model(str(folder), device="cpu")
    assert isinstance(loaded, TransformersModel)
    return loaded


def test_every_way_gives_the_same_answers_and_everything_is_timed(model: TransformersModel) -> None:
    result = bench(model, PLAN, clips=work.clips(3, (0.5, 1.0)))
    for way in result["ways"].values():
        assert way["same_answers"] == 1
        assert len(way["seconds"]) == 2
        assert way["min"] <= way["median_s_per_clip"] <= way["max"]
    assert result["ways"][AMBIVOX]["clips"] == 3
    assert result["floor"]["seconds_per_clip"] < result["ways"][AMBIVOX]["median_s_per_clip"]
    json.dumps(result)
    page = show(result)
    assert all(name in page for name in result["ways"])


def test_requests_are_prompts_times_clips_and_prompts_differ(model: TransformersModel) -> None:
    asked = work.prompts(20, 5)
    assert len({prompt.text for prompt in asked if "sad" in prompt.text}) > 12
    assert {prompt.max_new_tokens for prompt in asked} == {5}
    requests = work.requests(model, work.clips(2), asked[:3])
    assert len(requests) == 6
    assert requests[0].samples is requests[2].samples
    assert requests[0].samples is not requests[3].samples


@pytest.mark.parametrize("count", [4, 8, 64])
def test_made_up_labels_are_distinct(model: TransformersModel, count: int) -> None:
    labels = work.labels(count)
    assert len(set(labels.labels)) == count
    assert model.label_tokens(labels.forms).sequences


def operations(model: TransformersModel, n_prompts: int, said: int, seconds: float = 1.0) -> dict[str, float]:
    requests = work.requests(model, work.clips(1, (seconds, seconds)), work.prompts(n_prompts, said))
    return floor.operations(model, requests, [said] * n_prompts)


def test_the_floor_of_a_token_is_what_torch_counts(model: TransformersModel) -> None:
    length, decoder = 7, model.model.get_decoder()
    width = model.model.config.get_text_config().hidden_size
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        decoder(inputs_embeds=torch.zeros(1, length, width))
    counted = counter.get_flop_counts()["Global"]
    linear = sum(v for op, v in counted.items() if "mm" in str(op) and "bmm" not in str(op))
    layers = model.model.config.get_text_config().num_hidden_layers
    # two products with every token that is seen; torch does not count the attention of a CPU
    attention = 4 * width * layers * sum(range(1, length + 1))
    ours = sum(floor._token(model, n + 1) for n in range(length))
    np.testing.assert_allclose(ours, linear + attention)


def test_the_floor_counts_each_clip_and_each_distinct_token_once(model: TransformersModel) -> None:
    one, eight = operations(model, 1, 1), operations(model, 8, 1)
    assert one["answer"] == 0
    assert eight["encode"] == one["encode"]
    assert one["read"] < eight["read"] < 8 * one["read"]
    assert operations(model, 8, 3)["answer"] > 2 * 8 * 2 * floor._linear_weights(model.model.get_decoder())
    assert operations(model, 1, 1, 2.0)["encode"] > 1.9 * one["encode"]


def test_memory_is_watched_while_it_is_used() -> None:
    with peak_memory() as before:
        torch.zeros(1).sum()
    with peak_memory() as peak:
        for _ in range(3):
            torch.ones(2**25).sum()
    if before[0]:
        assert peak[0] > 0
