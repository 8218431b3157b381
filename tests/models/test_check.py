"""`ambivox check`: a sound model passes, and each kind of broken model fails the check made for it."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from ambivox.errors import AmbivoxError
from ambivox.models import LabelTokens, Reply, Request, find_label_tokens
from ambivox.models.check import check_model, speech_like
from ambivox.models.hf.adapter import TransformersModel


class Loudness:
    """A model without weights: its logits follow the clip's level and the prompt's length."""

    name = "loudness"
    fingerprint = "0"
    max_audio_s = None

    def label_tokens(self, answers: Sequence[Sequence[str]]) -> LabelTokens:
        return find_label_tokens(answers, lambda text: [zlib.crc32(text.encode())], str)

    def generate(self, requests: Sequence[Request]) -> list[Reply]:
        return [self.answer(request) for request in requests]

    def answer(self, request: Request) -> Reply:
        level = self.hear(request.samples) + 0.01 * len(request.prompt.text)
        token_logits = np.sin(np.arange(len(request.label_tokens.token_ids)) * (1 + level))[None].astype(
            np.float32
        )
        return Reply("a", (97,), token_logits, np.full(1, 4, np.float32), "length", 1, 0.0)

    def hear(self, samples: NDArray[np.float32]) -> float:
        return float(np.abs(samples).mean())

    def score(self, requests: Sequence[Request]) -> list[NDArray[np.float64]]:
        raise NotImplementedError


class Deaf(Loudness):
    def hear(self, samples: NDArray[np.float32]) -> float:
        return 0.0


class WithoutAudioTokens(Loudness):
    def answer(self, request: Request) -> Reply:
        return replace(super().answer(request), audio_tokens=0)


class Mixing(Loudness):
    """Answers a batch differently from single requests."""

    def generate(self, requests: Sequence[Request]) -> list[Reply]:
        replies = super().generate(requests)
        return [
            replace(reply, token_logits=reply.token_logits + 3 * (len(requests) > 1)) for reply in replies
        ]


class Fickle(Loudness):
    asked = 0

    def answer(self, request: Request) -> Reply:
        self.asked += 1
        reply = super().answer(request)
        return replace(reply, token_logits=reply.token_logits + self.asked % 2)


class OneByteTokens(Loudness):
    """Writes every word with the same first token."""

    def label_tokens(self, answers: Sequence[Sequence[str]]) -> LabelTokens:
        return find_label_tokens(answers, lambda text: [0, *(ord(c) for c in text)], chr)


class Cutting(Loudness):
    """Hears two seconds and says nothing of the rest."""

    max_audio_s = 2.0

    def hear(self, samples: NDArray[np.float32]) -> float:
        return super().hear(samples[:32_000])


class Broken(Loudness):
    def generate(self, requests: Sequence[Request]) -> list[Reply]:
        raise AmbivoxError("the audio did not reach the model")


def failed(model: Loudness) -> set[str]:
    return {check.name for check in check_model(model) if not check.passed}


def test_a_model_that_hears_and_repeats_itself_passes() -> None:
    assert failed(Loudness()) == set()


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (Deaf, "another clip is heard"),
        (Deaf, "silence is heard"),
        (Deaf, "noise is heard"),
        (WithoutAudioTokens, "the audio reaches the model"),
        (Mixing, "a batch answers like single clips"),
        (Fickle, "the same request answers the same"),
        (OneByteTokens, "every label has a first token of its own"),
        (Cutting, "a clip too long is refused"),
        (Broken, "every prompt is answered"),
    ],
)
def test_each_fault_fails_the_check_made_for_it(broken: type[Loudness], check: str) -> None:
    assert check in failed(broken())


def test_an_error_becomes_a_failed_check_with_its_reason() -> None:
    assert "did not reach" in check_model(Broken())[0].detail


@pytest.mark.parametrize("family", ["glm_asr", "qwen3_asr"])
def test_a_real_class_passes_every_check(family: str, loaded: Callable[[str], TransformersModel]) -> None:
    assert [check for check in check_model(loaded(family)) if not check.passed] == []


def test_signals_are_seeded_and_differ() -> None:
    np.testing.assert_array_equal(speech_like(1, 3), speech_like(1, 3))
    assert not np.array_equal(speech_like(1, 3), speech_like(1, 4))


class Talking(Loudness):
    """Says what it hears."""

    def answer(self, request: Request) -> Reply:
        return replace(super().answer(request), text=f"{self.hear(request.samples):.6f}")


def test_the_same_answer_to_every_clip_is_a_caution_and_no_failure() -> None:
    name = "answers differ from clip to clip"
    [constant] = [check for check in check_model(Loudness()) if check.name == name]
    [varied] = [check for check in check_model(Talking()) if check.name == name]
    assert (constant.passed, constant.caution) == (True, True)
    assert "word ('a')" in constant.detail
    assert "constant guess" in constant.detail
    assert (varied.passed, varied.caution) == (True, False)
