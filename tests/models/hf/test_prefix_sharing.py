"""The shared path gives what the reference path gives, on every family, however the work is cut."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from ambivox.models import Reply, Request
from ambivox.models.hf.adapter import TransformersModel
from ambivox.models.hf.memory import Budget
from ambivox.models.hf.prefix_sharing import PrefixSharing
from ambivox.models.hf.prefix_sharing.checked import distance, probe
from ambivox.models.hf.prefix_sharing.encode import real_part
from ambivox.models.hf.prefix_sharing.shared import SharedPath
from tests.models.hf.asking import ask, clip

Loaded = Callable[[str], TransformersModel]
TOLERANCE = 1e-4  # in probability

SHORTENED = {"qwen2_audio", "audio_flamingo_3", "music_flamingo"}
"""Families whose encoder pads to a window and masks the padding."""


@pytest.fixture
def shared(model: TransformersModel) -> SharedPath:
    """A new shared path, which has encoded and decided nothing."""
    return new_path(model)


def new_path(model: TransformersModel, rows: int = 4, tokens: int = 4096) -> SharedPath:
    return SharedPath(model.reference, model.chat.audio_token, Budget(rows, tokens), 2**20)


def study(model: TransformersModel) -> list[Request]:
    """Two clips and none, with two prompts each; whole labels, a draw and answers of different length."""
    short, long = clip(0.5), clip(1.3, 1)
    asked = [
        replace(ask(model, short), label_tokens=model.label_tokens([["sad"]]), score=True),
        ask(model, long, "percentages"),
        ask(model, short, "letter"),
        replace(ask(model, long), n_draws=1),
        replace(ask(model, short), samples=None),
        replace(ask(model, short, "letter"), samples=None),
    ]
    return [
        replace(request, prompt=replace(request.prompt, max_new_tokens=1 + 3 * n % 7))
        for n, request in enumerate(asked)
    ]


def test_no_family_falls_back(model: TransformersModel) -> None:
    model.generate([ask(model, clip(0.4))])
    assert model.sharing.shared is not None


def test_shared_work_changes_no_answer(model: TransformersModel, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = model.jobs(study(model))
    expected = model.reference.run(jobs)
    # fewer rows than answers, so that rows are refilled; small trees, so that some grow from a kept trunk
    for rows, tree_tokens in ((64, 768), (3, 20)):
        monkeypatch.setattr("ambivox.models.hf.prefix_sharing.shared.TREE_TOKENS", tree_tokens)
        path = new_path(model, rows)
        got = path.run(jobs)
        for a, b in zip(expected, got, strict=True):
            assert [x.token_ids for x in a.answers] == [x.token_ids for x in b.answers]
            assert [x.ended for x in a.answers] == [x.ended for x in b.answers]
            assert [x.token_logits.shape for x in a.answers] == [x.token_logits.shape for x in b.answers]
            assert distance(a, b) <= TOLERANCE
            assert (a.sequence_logp is None) == (b.sequence_logp is None)


def test_only_the_real_part_is_encoded_where_that_is_exact(
    model: TransformersModel, shared: SharedPath
) -> None:
    family = re.sub(r"\W", "", type(model.model).__name__).lower()
    shortened = any(family.startswith(name.replace("_", "").rstrip("3")) for name in SHORTENED)
    first, second = (model.chat(clip(s, n), "x") for n, s in enumerate((0.7, 1.32)))
    with torch.inference_mode():
        shared.encode(b"first", first)
        assert (shared.encode.shortens is True) is shortened
        got = shared.encode(b"second", second)
        full = shared.encode.hear(second)
    np.testing.assert_allclose(got, full, rtol=0, atol=1e-5)


@pytest.mark.parametrize("hundredths", range(20, 29))
def test_the_real_part_is_exact_at_every_length(loaded: Loaded, hundredths: int) -> None:
    model = loaded("qwen2_audio")
    path = new_path(model)
    path.encode.shortens = True
    inputs = model.chat(clip(hundredths / 100, hundredths), "x")
    short = real_part(inputs)
    assert short is not None
    assert short["input_features"].shape[-1] <= hundredths + 4
    with torch.inference_mode():
        np.testing.assert_allclose(path.encode(b"", inputs), path.encode.hear(inputs), rtol=0, atol=1e-5)


def test_a_clip_is_encoded_once_and_room_is_bounded(loaded: Loaded) -> None:
    model = loaded("qwen2_audio")
    path = new_path(model)
    inputs = [model.chat(clip(1.0, n), "x") for n in range(3)]
    with torch.inference_mode():
        heard = path.encode(b"0", inputs[0])
        path.encode.room_bytes = 2 * heard.numel() * heard.element_size()
        for n in (0, 1, 0, 2, 0):
            path.encode(b"%d" % n, inputs[n])
        assert path.encode.encodings == 3
        assert set(path.encode.kept) == {b"0", b"2"}
        path.encode(b"1", inputs[1])
    assert path.encode.encodings == 4


def test_a_study_in_any_order_encodes_each_clip_once(loaded: Loaded) -> None:
    model = loaded("qwen2_audio")
    requests = [request for request in study(model) if request.samples is not None]
    model.sharing.shared = path = new_path(model)
    by_prompt = sorted(requests, key=lambda request: request.prompt.name)
    alone = [model.generate([request])[0] for request in by_prompt]
    assert path.encode.encodings == 2
    for a, b in zip(alone, model.generate(by_prompt), strict=True):
        assert a.token_ids == b.token_ids


def test_prompts_that_differ_before_the_audio_share_what_they_can(model: TransformersModel) -> None:
    requests = study(model)
    jobs = model.jobs([requests[0], requests[2]])
    before = [job.inputs["input_ids"] for job in jobs]
    word = int(before[0][0, -1])
    other = {"input_ids": torch.cat([torch.tensor([[word]]), before[1]], dim=1)}
    for key in ("attention_mask", "token_type_ids"):
        if key in jobs[1].inputs:
            pad = torch.full((1, 1), int(key == "attention_mask"))
            other[key] = torch.cat([pad, jobs[1].inputs[key]], dim=1)
    jobs[1] = replace(jobs[1], inputs=jobs[1].inputs | other)
    for a, b in zip(model.reference.run(jobs), new_path(model).run(jobs), strict=True):
        assert distance(a, b) <= TOLERANCE


@pytest.fixture
def overflowing(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[TransformersModel, int]]:
    """A model whose memory holds two rows."""
    model = loaded("qwen2_audio")
    forward = model.model.forward

    def crowded(*args: object, **kwargs: object) -> object:
        if len(kwargs["input_ids"]) > 2:  # type: ignore[arg-type]
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 1 TB")
        return forward(*args, **kwargs)

    monkeypatch.setattr(model.model, "forward", crowded)
    return model, 2


def test_out_of_memory_halves_the_batch_and_goes_on(overflowing: tuple[TransformersModel, int]) -> None:
    model, fits = overflowing
    jobs = model.jobs(study(model))
    path = new_path(model, rows=8)
    with pytest.warns(RuntimeWarning, match="going on with"):
        got = path.run(jobs)
    assert path.budget.rows == fits
    for a, b in zip(new_path(model, rows=1).run(jobs), got, strict=True):
        assert distance(a, b) <= TOLERANCE


def test_out_of_memory_with_one_row_is_the_users(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    model = loaded("qwen2_audio")

    def full(*args: object, **kwargs: object) -> object:
        raise torch.OutOfMemoryError("CUDA out of memory")

    jobs = model.jobs(study(model))
    monkeypatch.setattr(model.model, "forward", full)
    with pytest.warns(RuntimeWarning), pytest.raises(RuntimeError, match="out of memory"):
        new_path(model, rows=2, tokens=2).run(jobs)


def answers_like_the_reference(model: TransformersModel, path: PrefixSharing) -> bool:
    jobs = model.jobs(study(model))
    pairs = zip(path.run(jobs), path.reference.run(jobs), strict=True)
    return all(distance(a, b) <= TOLERANCE for a, b in pairs)


@pytest.mark.parametrize("fault", ["mask", "position", "audio", "error"])
def test_a_family_that_shares_wrongly_goes_the_reference_path(
    loaded: Loaded, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = loaded("qwen2_audio")
    inner = model.model.model
    forward = inner.forward

    def faulty(**kwargs: object) -> object:
        mask = kwargs["attention_mask"]
        if isinstance(mask, torch.Tensor) and mask.dim() == 4:
            if fault == "mask":
                kwargs["attention_mask"] = torch.zeros_like(mask)
            if fault == "position":
                kwargs["position_ids"] = kwargs["position_ids"] * 0  # type: ignore[operator]
            if fault == "error":
                raise KeyError("unknown")
        return forward(**kwargs)

    monkeypatch.setattr(inner, "forward", faulty)
    path = PrefixSharing(model.reference, model.chat.audio_token, Budget(8, 4096), True)
    assert path.shared is not None
    if fault == "audio":
        path.shared.encode.hear = lambda inputs: torch.zeros(  # type: ignore[method-assign]
            model.chat.count_audio_tokens(inputs), 32
        )
    with pytest.warns(RuntimeWarning, match="every prompt pays for its whole clip"):
        assert answers_like_the_reference(model, path)
    # it has been said once, and a warning would be an error now
    assert answers_like_the_reference(model, path)
    assert path.shared is None


def test_the_probe_parts_after_the_audio(model: TransformersModel) -> None:
    (job,) = model.jobs([ask(model, clip(0.4))])
    one, other = (p.prompt for p in probe(job, model.chat.audio_token))
    heard = max(n for n, token in enumerate(one) if token == model.chat.audio_token)
    assert one[: heard + 1] == other[: heard + 1]
    assert one[heard + 1 : heard + 3] == other[heard + 1 : heard + 3][::-1]
    assert one[heard + 3 :] == other[heard + 3 :]
    assert one != other


def test_a_prompt_that_ends_with_the_audio_has_a_probe(model: TransformersModel) -> None:
    (job,) = model.jobs([ask(model, clip(0.4))])
    ids = job.inputs["input_ids"]
    end = int((ids[0] == model.chat.audio_token).nonzero()[-1]) + 1
    for more in (0, 1):
        cut = replace(job, inputs=job.inputs | {"input_ids": ids[:, : end + more]})
        assert [p.prompt for p in probe(cut, model.chat.audio_token)] == [cut.prompt] * 2


def test_the_reference_path_can_be_chosen(loaded: Loaded) -> None:
    model = loaded("glm_asr")
    path = PrefixSharing(model.reference, model.chat.audio_token, Budget(8, 4096), share=False)
    assert path.shared is None


def test_scores_come_along_with_the_answers(loaded: Loaded) -> None:
    model = loaded("qwen2_audio")
    request = replace(ask(model, clip(0.5)), score=True)
    reply: Reply = model.generate([request])[0]
    assert reply.sequence_logp is not None
    np.testing.assert_allclose(
        np.exp(reply.sequence_logp), np.exp(model.score([request])[0]), rtol=0, atol=1e-5
    )
    assert model.generate([replace(request, score=False)])[0].sequence_logp is None


def test_prompts_on_a_clip_are_written_as_the_processor_writes_them(model: TransformersModel) -> None:
    texts = ["What emotion?", " 1. angry\n2. sad", "\n\nOne word."]
    for inputs, text in zip(model.chat.on_clip(clip(0.5), texts), texts, strict=True):
        expected = model.chat(clip(0.5), text)
        assert inputs.keys() == expected.keys()
        for key, value in expected.items():
            assert torch.equal(inputs[key], value), (key, text)
