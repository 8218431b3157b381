"""From a request to the tensors of an audio-text chat model, and the proof that the clip is among them."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import jinja2
import numpy as np
import soundfile
import soxr
import torch
from torch import Tensor
from torch.nn.functional import pad

from ambivox.audio import SAMPLE_RATE_HZ
from ambivox.errors import AmbivoxError, UsageError
from ambivox.models.hf.step_limit import step_limit
from ambivox.models.limits import part_control_tokens, too_short
from ambivox.models.protocol import FloatArray

LONGEST_PROBE_S = 120.0
"""How far a model's limit is looked for in advance; the length of every clip is checked all the same."""

SHORT_S = 0.5
"""Below this a clip that gives a model no audio token is too short rather than lost."""

AUDIO_TOKEN_NAMES = ("audio_token_id", "audio_token_index", "audio_token")
"""What families call the placeholder of the audio, on the config, the processor or the tokenizer."""

TEXT_INPUTS = ("input_ids", "attention_mask", "token_type_ids", "mm_token_type_ids")
"""Inputs with one entry per token of the prompt; every other input describes the audio."""

FAILURES = (ValueError, RuntimeError, IndexError, TypeError)
"""What processors raise on audio that they cannot take."""

_RENDERED = 1024
"""How many prompts are kept as they were written: without transcripts, every clip is asked the same few."""

Inputs = dict[str, Tensor]
"""What one request gives the model: text inputs of shape ``(1, L)`` and the features of its clip."""


class ChatInput:
    """Writes one user turn, the audio first and then the text, in the words and tensors of a model.

    Each request is processed alone, so its features cannot depend on its neighbours in a batch.

    Args:
        processor: what ``AutoProcessor`` loaded.
        config: the model's configuration.
        name: the model's, for errors.

    Raises:
        UsageError: the processor is none for audio chat (no chat template, no feature extractor or no
            placeholder for the audio).
    """

    def __init__(self, processor: Any, config: Any, name: str) -> None:
        self.processor = processor
        self.name = name
        self.tokenizer: Any = getattr(processor, "tokenizer", None)
        names = ("feature_extractor", "audio_processor")  # the second in Phi-4 and Granite Speech
        self.features: Any = next(filter(None, (getattr(processor, n, None) for n in names)), None)
        if self.tokenizer is None or self.features is None:
            raise UsageError(
                f"{name}: its processor has no tokenizer or no audio features: not a speech model"
            )
        # mistral-common formats whole messages with their audio and brings no template of its own
        self.whole_messages = type(self.tokenizer).__name__.startswith("MistralCommon")
        self.template: dict[str, str] = {}
        """For ``apply_chat_template``: the tokenizer's where the processor has none, as in Phi-4."""
        own, other = (getattr(owner, "chat_template", None) for owner in (processor, self.tokenizer))
        if not own and isinstance(other, str):
            self.template["chat_template"] = other
        if not (self.whole_messages or own or self.template):
            raise UsageError(
                f"{name}: the model has no chat template, so it cannot be asked; choose its instruction-"
                "tuned version or put a chat_template.jinja beside its tokenizer"
            )
        self.audio_token = self._audio_token(config)
        self._control_tokens = self._find_control_tokens()
        unknown = getattr(self.tokenizer, "unk_token_id", None)
        self._control_ids = {*map(self.tokenizer.convert_tokens_to_ids, self._control_tokens)} - {unknown}
        self.render = lru_cache(_RENDERED)(self._render)
        self._heard_tenths = 0
        self.sample_rate = int(getattr(self.features, "sampling_rate", SAMPLE_RATE_HZ))

    def _audio_token(self, config: Any) -> int:
        for part in (config, self.processor, self.tokenizer):
            for attribute in AUDIO_TOKEN_NAMES:
                token = getattr(part, attribute, None)
                if isinstance(token, str):
                    token = self.tokenizer.convert_tokens_to_ids(token)
                if isinstance(token, int):
                    return token
        raise UsageError(f"{self.name}: neither config nor processor names a token for audio")

    def _find_control_tokens(self) -> tuple[str, ...]:
        """What is read as a token that no text writes, the longest first."""
        if self.whole_messages:
            return ()  # mistral-common never reads one in a text
        tokens = {str(token) for token in self.tokenizer.added_tokens_decoder.values() if token.special}
        tokens |= set(map(str, self.tokenizer.all_special_tokens))
        # placeholders that processors look for before they tokenise
        tokens |= {v for k, v in vars(self.processor).items() if k.endswith("_token") and isinstance(v, str)}
        return tuple(sorted((token for token in tokens if len(token) > 1), key=len, reverse=True))

    def as_text(self, text: str) -> str:
        """A prompt whose control tokens are only text, see `part_control_tokens`.

        Raises:
            AmbivoxError: the tokenizer still reads a control token in it.
        """
        text = part_control_tokens(text, self._control_tokens)
        if self._control_ids and (found := self._control_ids.intersection(self.tokenise(text))):
            token = self.tokenizer.convert_ids_to_tokens(min(found))
            raise AmbivoxError(f"{self.name}: the text of a prompt is read as the control token {token!r}")
        return text

    def tokenise(self, text: str) -> list[int]:
        """The tokens of a text, with none around it."""
        return [int(token) for token in self.tokenizer.encode(text, add_special_tokens=False)]

    def __call__(self, samples: FloatArray, text: str, clip: str = "clip") -> Inputs:
        """The inputs of one request.

        Raises:
            AudioError: the clip is too short to become even one audio token.
            AmbivoxError: the processor took the clip and gave nothing of it back, or failed.
        """
        try:
            inputs = self.raw(samples, text)
        except FAILURES as error:
            raise AmbivoxError(
                f"{clip}: the processor of {self.name} failed: {_first_line(error)}"
            ) from error
        if self.count_audio_tokens(inputs) == 0 and len(samples) < SHORT_S * SAMPLE_RATE_HZ:
            raise too_short(clip, len(samples), self.name)
        self.assert_heard(inputs, clip)
        return inputs

    def on_clip(self, samples: FloatArray, texts: Sequence[str], clip: str = "clip") -> list[Inputs]:
        """The inputs of several prompts on one clip, whose features are computed once where that is safe.

        A prompt's tokens up to the end of the audio are then those of the first prompt, and the rest is
        tokenised alone; safe means that the first prompt itself comes out the same in this way.

        Raises:
            AudioError, AmbivoxError: as a single request does.
        """
        first = self(samples, texts[0], clip)
        if len(texts) == 1 or self.whole_messages:
            return [first, *(self(samples, text, clip) for text in texts[1:])]
        ids = first["input_ids"][0].tolist()
        heard = len(ids) - ids[::-1].index(self.audio_token)
        before, rest = self._split(texts[0])
        # special tokens that close the audio are written by the processor; what is beside them is cut there
        closing = len(ids) - heard - len(rest)
        safe = closing >= 0 and ids[heard + closing :] == rest
        safe &= all(token in self.tokenizer.all_special_ids for token in ids[heard : heard + closing])
        inputs = [first]
        for text in texts[1:]:
            own_before, rest = self._split(text)
            if safe and own_before == before:
                inputs.append(_with_rest(first, heard + max(closing, 0), rest))
            else:
                inputs.append(self(samples, text, clip))
        return inputs

    def _split(self, text: str) -> tuple[str, list[int]]:
        """What the template writes before the audio, and the tokens of what it writes after it."""
        turn = self.render(text)
        before, _, after = turn.rpartition(self.tokenizer.convert_ids_to_tokens(self.audio_token))
        return before, self.tokenise(after)

    def raw(self, samples: FloatArray | None, text: str) -> Inputs:
        """The inputs as the processor gives them, unchecked; None leaves the audio out."""
        if samples is not None and self.sample_rate != SAMPLE_RATE_HZ:
            samples = soxr.resample(samples, SAMPLE_RATE_HZ, self.sample_rate)
        write = self._whole_message if self.whole_messages else self._template
        inputs = write(samples, text)
        return {key: value for key, value in inputs.items() if isinstance(value, Tensor)}

    def without_audio(self, text: str) -> Inputs:
        """The inputs of a prompt with no audio in it: text only."""
        text = self.as_text(text)
        if self.whole_messages:
            return self.raw(None, text)
        turn = self._apply_template([{"type": "text", "text": text}], text)
        inputs = self.tokenizer([turn], return_tensors="pt", **self._special_tokens(turn))
        return {key: value for key, value in inputs.items() if key in ("input_ids", "attention_mask")}

    def _template(self, samples: FloatArray | None, text: str) -> Mapping[str, Any]:
        turn = self.render(text)
        audio = {} if samples is None else {"audio": [samples], "sampling_rate": self.sample_rate}
        inputs: Mapping[str, Any] = self.processor(
            text=[turn],
            return_tensors="pt",
            **self._special_tokens(turn),
            **audio,
        )
        return inputs

    def _special_tokens(self, turn: str) -> dict[str, bool]:
        # a template that writes the start token must not get a second one
        bos = getattr(self.tokenizer, "bos_token", None)
        return {"add_special_tokens": False} if bos and turn.startswith(bos) else {}

    def _render(self, text: str) -> str:
        """The prompt as text, with one placeholder for the audio.

        Raises:
            UsageError: the chat template writes no placeholder for the audio.
        """
        text = self.as_text(text)
        token = self.tokenizer.convert_ids_to_tokens(self.audio_token)
        parts = [{"type": "audio", "audio": "clip.wav"}, {"type": "text", "text": text}]
        return self._apply_template(parts, f"{token}{text}", self._has_placeholder)

    def _apply_template(
        self, parts: list[dict[str, str]], flat: str, accept: Callable[[str], bool] = bool
    ) -> str:
        # Most templates take a list of parts; some (Granite Speech) know text only.
        for content in (parts, flat):
            try:
                with step_limit(self.name):
                    turn = str(
                        self.processor.apply_chat_template(
                            [{"role": "user", "content": content}],
                            tokenize=False,
                            add_generation_prompt=True,
                            **self.template,
                        )
                    )
            except (TypeError, jinja2.TemplateError):
                continue
            if accept(turn) and "clip.wav" not in turn:
                return turn
        raise UsageError(f"{self.name}: its chat template leaves the audio out, so it cannot hear a clip")

    def _has_placeholder(self, turn: str) -> bool:
        placeholders = (
            getattr(self.processor, "audio_token", None),
            getattr(self.processor, "boa_token", None),
            self.tokenizer.convert_ids_to_tokens(self.audio_token),
        )
        return any(isinstance(token, str) and token in turn for token in placeholders)

    def _whole_message(self, samples: FloatArray | None, text: str) -> Mapping[str, Any]:
        content: list[dict[str, str]] = [{"type": "text", "text": self.as_text(text)}]
        if samples is not None:
            content.insert(0, {"type": "audio", "base64": _wav_base64(samples, self.sample_rate)})
        inputs: Mapping[str, Any] = self.processor.apply_chat_template([{"role": "user", "content": content}])
        return inputs

    def count_audio_tokens(self, inputs: Inputs) -> int:
        """How many positions of the prompt stand for the audio."""
        return int((inputs["input_ids"] == self.audio_token).sum())

    def assert_heard(self, inputs: Inputs, clip: str = "clip") -> None:
        """Refuse a request whose clip did not arrive.

        Raises:
            AmbivoxError: no placeholder in the prompt, or no features beside it.
        """
        tokens = self.count_audio_tokens(inputs)
        features = [
            k for k, v in inputs.items() if k not in TEXT_INPUTS and v.is_floating_point() and v.numel()
        ]
        if tokens and features:
            return
        lacking = "no placeholder for the audio in the prompt" if not tokens else "no audio features"
        raise AmbivoxError(f"{clip}: the audio did not reach the model {self.name}: {lacking}")

    def hears_whole(self, seconds: float) -> bool:
        """Whether a clip of this length would be heard to its end.

        Many processors cut long audio without a word, each under an option of its own name; so the processor
        is asked rather than its options read: does another last tenth of a second change the inputs?
        """
        tenths = math.ceil(round(seconds * 10, 2))  # a sample too many is not a tenth
        if tenths > self._heard_tenths and self._end_matters(tenths):
            self._heard_tenths = tenths
        return tenths <= self._heard_tenths

    def longest_heard_s(self) -> float | None:
        """The longest clip heard to its end, to 0.1 s; None where `LONGEST_PROBE_S` meets no limit."""
        heard, deaf = 10, 20  # tenths of a second
        while self._hears_or_fails(deaf):
            heard, deaf = deaf, deaf * 2
            if heard >= LONGEST_PROBE_S * 10:
                return None
        while deaf - heard > 1:
            middle = (heard + deaf) // 2
            heard, deaf = (middle, deaf) if self._hears_or_fails(middle) else (heard, middle)
        return heard / 10

    def _hears_or_fails(self, tenths: int) -> bool:
        try:
            return self.hears_whole(tenths / 10)
        except FAILURES:
            return False

    def _end_matters(self, tenths: int) -> bool:
        samples = np.random.default_rng(0).normal(0, 0.1, tenths * SAMPLE_RATE_HZ // 10).astype(np.float32)
        other = samples.copy()
        other[-SAMPLE_RATE_HZ // 10 :] = 0
        a, b = self.raw(samples, "x"), self.raw(other, "x")
        return any(a[key].shape != b[key].shape or not torch.equal(a[key], b[key]) for key in a)


def _with_rest(inputs: Inputs, kept: int, rest: Sequence[int]) -> Inputs:
    """The inputs with other tokens behind the first `kept`."""
    length = inputs["input_ids"].shape[1]
    cut = {k: v[:, :kept] for k, v in inputs.items() if k in TEXT_INPUTS and v.shape[1] == length}
    return with_answer(inputs | cut, rest)


def with_answer(inputs: Inputs, answer: Sequence[int]) -> Inputs:
    """The inputs after the model has answered some tokens."""
    extended = dict(inputs)
    length = inputs["input_ids"].shape[1]
    for key in TEXT_INPUTS:
        if key in inputs and inputs[key].shape[1] == length:
            value = 1 if key == "attention_mask" else 0
            extended[key] = pad(inputs[key], (0, len(answer)), value=value)
    extended["input_ids"] = extended["input_ids"].clone()
    extended["input_ids"][0, length:] = torch.tensor(answer, dtype=extended["input_ids"].dtype)
    return extended


def batch_key(inputs: Inputs) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """What must agree for requests to share a batch: the shape of their features, clip axis aside.

    Text is padded on the left under a mask, which is exact. Padding features is not: families differ in which
    side, with what value, under which mask, and convolutions reach over the edge (a tiny Gemma 3n answered
    1e-3 off in probability). So it is never done: models that hear a fixed window batch freely, the others
    batch the prompts on clips of one length.
    """
    return tuple(sorted((k, tuple(v.shape[1:])) for k, v in inputs.items() if k not in TEXT_INPUTS))


def collate(rows: Sequence[Inputs], pad_token: int) -> Inputs:
    """One batch of requests with the same `batch_key`: text padded on the left, features stacked."""
    width = max(row["input_ids"].shape[1] for row in rows)
    batch: Inputs = {}
    for key in rows[0]:
        values = [row[key] for row in rows]
        if key in TEXT_INPUTS:
            fill = pad_token if key == "input_ids" else 0
            values = [pad(value, (width - value.shape[1], 0), value=fill) for value in values]
        batch[key] = torch.cat(values)
    return batch


def _wav_base64(samples: FloatArray, sample_rate: int) -> str:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, sample_rate, format="WAV", subtype="FLOAT")
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
