"""From a prompt to tokens, in the words of a checkpoint's chat template."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from jinja2.sandbox import ImmutableSandboxedEnvironment

from ambivox.errors import AmbivoxError
from ambivox.models.label_tokens import find_label_tokens
from ambivox.models.limits import part_control_tokens
from ambivox.models.protocol import LabelTokens

_WRITTEN = 1024
"""How many prompts are kept as tokens: without transcripts, every clip is asked the same few."""


class Chat:
    """Tokenizer and chat template of a checkpoint, in the files that transformers writes.

    Args:
        folder: of the checkpoint.
        name: the model's, for errors.
    """

    def __init__(self, folder: Path, name: str) -> None:
        from tokenizers import Tokenizer

        self.name = name
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        special = self.tokenizer.get_added_tokens_decoder()
        self.control_tokens = {token: added.content for token, added in special.items() if added.special}
        processor = json.loads((folder / "processor_config.json").read_text(encoding="utf-8"))
        self.audio_token = self.tokenizer.token_to_id(processor["audio_token"])
        # as transformers sets templates up
        jinja = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        self.template = jinja.from_string((folder / "chat_template.jinja").read_text(encoding="utf-8"))
        self.prompt = lru_cache(_WRITTEN)(self._prompt)

    def _prompt(self, text: str, audio_tokens: int) -> tuple[int, ...]:
        """The tokens of one user turn, the audio first and then the text.

        Args:
            text: what is asked.
            audio_tokens: how many positions stand for the clip; 0 asks without one.

        Raises:
            AmbivoxError: the text is read as a control token.
        """
        parted = part_control_tokens(text, sorted(self.control_tokens.values(), key=len, reverse=True))
        if found := self.control_tokens.keys() & self.tokenise(parted):
            control = self.control_tokens[min(found)]
            raise AmbivoxError(f"{self.name}: the text of a prompt is read as the control token {control!r}")
        parts = [{"type": "audio"}] if audio_tokens else []
        content = [*parts, {"type": "text", "text": parted}]
        turn = self.template.render(
            messages=[{"role": "user", "content": content}], add_generation_prompt=True
        )
        written: list[int] = []
        for token in self.tokenise(turn):
            written += [token] * audio_tokens if token == self.audio_token else [token]
        return tuple(written)

    def label_tokens(self, answers: Sequence[Sequence[str]], *, numbers: bool) -> LabelTokens:
        """As `SpeechModel.label_tokens`."""
        return find_label_tokens(answers, self.tokenise, lambda token: self.text([token]), numbers=numbers)

    def tokenise(self, text: str) -> list[int]:
        """The tokens of a text, with none around it."""
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def text(self, tokens: Sequence[int]) -> str:
        """What tokens write, control tokens left out."""
        return str(self.tokenizer.decode(list(tokens), skip_special_tokens=True))
