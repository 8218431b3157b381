"""The tokens of the labels: from the model's own tokenizer, from the server's, or from tokens as text."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ambivox.errors import AmbivoxError, UsageError
from ambivox.models.label_tokens import NUMBERS, find_label_tokens, written_variants
from ambivox.models.openai.client import Client
from ambivox.models.protocol import LabelTokens

STAND_IN = 2**40
"""Token ids from here on stand for tokens that are known by their text only."""

SHORTEST = 3
"""Where tokens are known by their text only, the beginning of a label has so many letters at least: " a"
begins "angry", and many other words."""


class Tokens(Protocol):
    """A vocabulary, as far as it is known."""

    exact: bool
    """Whether the ids are the model's own."""

    def label_tokens(self, answers: Sequence[Sequence[str]], *, numbers: bool = False) -> LabelTokens:
        """The label tokens, as `SpeechModel.label_tokens`."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """The text of tokens of the labels."""
        ...


class TokenizerTokens:
    """The vocabulary of a tokenizer in a folder or on the hub.

    Raises:
        UsageError: there is none, or the extra is not installed.
    """

    exact = True

    def __init__(self, name_or_path: str) -> None:
        try:
            from transformers import AutoTokenizer
        except ModuleNotFoundError:
            raise UsageError(
                "a tokenizer needs the extra 'transformers': pip install 'ambivox[transformers]'"
            ) from None
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(name_or_path)
        except (OSError, ValueError) as error:
            raise UsageError(f"tokenizer {name_or_path!r}: {str(error).splitlines()[0]}") from None

    def label_tokens(self, answers: Sequence[Sequence[str]], *, numbers: bool = False) -> LabelTokens:
        """The label tokens of the tokenizer."""
        return find_label_tokens(answers, self.tokenise, self._piece, numbers=numbers)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of tokens."""
        return str(self._tokenizer.decode(list(ids)))

    def render(self, messages: Sequence[Mapping[str, Any]]) -> str:
        """The text of a chat, with its last message open where that begins the answer."""
        turn, *begun = messages
        kinds = {"input_audio": {"type": "audio"}}
        content = [kinds.get(part["type"], part) for part in turn["content"]]
        chat = [{"role": "user", "content": content}]
        text = self._tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
        return str(text) + "".join(message["content"] for message in begun)

    def tokenise(self, text: str) -> list[int]:
        """The tokens of a text, with none around it."""
        return [int(token) for token in self._tokenizer.encode(text, add_special_tokens=False)]

    def _piece(self, token: int) -> str:
        text, raw = self.decode([token]), str(self._tokenizer.convert_ids_to_tokens(token))
        return f" {text}" if raw.startswith("▁") and not text.startswith(" ") else text


class ServerTokens:
    """The vocabulary of a server that tokenizes on demand (vLLM and llama.cpp do)."""

    exact = True

    def __init__(self, client: Client, model: str) -> None:
        self._client, self._model = client, model
        self._pieces: dict[int, str] = {}
        self._known: dict[str, list[int]] = {}

    def label_tokens(self, answers: Sequence[Sequence[str]], *, numbers: bool = False) -> LabelTokens:
        """The label tokens of the server's tokenizer."""
        texts = [v for forms in answers for form in forms for v in written_variants(form)]
        texts += [space + number for number in NUMBERS for space in ("", " ")] if numbers else []
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        for text, tokens in zip(new, self._client.run_all([self.ask(text) for text in new]), strict=True):
            if isinstance(tokens, AmbivoxError):
                raise tokens
            self._known[text] = tokens
        return find_label_tokens(answers, self._known.__getitem__, self._pieces.__getitem__, numbers=numbers)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of tokens of the labels."""
        return "".join(self._pieces[token] for token in ids)

    async def ask(self, text: str) -> list[int]:
        """The tokens of a text, by the dialects of vLLM and of llama.cpp at once."""
        body = {"model": self._model, "prompt": text, "add_special_tokens": False, "return_token_strs": True}
        body |= {"content": text, "add_special": False, "with_pieces": True}
        given = await self._client.post(f"{self._client.root}/tokenize", body)
        tokens, texts = given.get("tokens"), given.get("token_strs")
        if isinstance(tokens, list) and tokens and all(isinstance(token, dict) for token in tokens):
            tokens, texts = [t.get("id") for t in tokens], [t.get("piece") for t in tokens]
        if not isinstance(tokens, list) or not isinstance(texts, list) or len(tokens) != len(texts):
            raise AmbivoxError(
                f"{self._client.base_url}: its tokenizer gives no tokens: name one (tokenizer)"
            )
        for token, piece in zip(tokens, texts, strict=True):
            if not isinstance(token, int) or not isinstance(piece, str):
                raise AmbivoxError(
                    f"{self._client.base_url}: its tokenizer gives no tokens: name one (tokenizer)"
                )
            self._pieces[token] = written_piece(piece)
        return tokens


class TextTokens:
    """Tokens known by their text only, of a server that shows nothing else.

    How the model cuts its words is not known then, so a label is begun by any token that is one of its forms
    or the beginning of one, from `SHORTEST` letters on. Ids stand for texts, see `stand_in`.
    """

    exact = False

    def label_tokens(self, answers: Sequence[Sequence[str]], *, numbers: bool = False) -> LabelTokens:
        """Every text with which a token may begin a label."""
        sequences: dict[tuple[int, ...], int] = {}
        offered: list[bool] = []
        texts: dict[int, str] = {}
        begun: dict[str, set[int]] = {}
        for label, forms in enumerate(answers):
            for form in forms:
                for prefix in beginnings(form):
                    begun.setdefault(prefix, set()).add(label)
        for label, forms in enumerate(answers):
            for n, form in enumerate(forms):
                for prefix in beginnings(form):
                    # The beginning of several labels: what follows tells them apart, but is not known here.
                    rest = () if len(begun[prefix]) == 1 else (stand_in(f"{prefix}...{label}"),)
                    sequence = (stand_in(prefix), *rest)
                    if sequence not in sequences:
                        sequences[sequence] = label
                        offered.append(n == 0)
                        texts[sequence[0]] = prefix
        if numbers:
            for number in NUMBERS:
                texts |= {stand_in(space + number): space + number for space in ("", " ")}
        return LabelTokens(
            tuple(sequences), tuple(sequences.values()), tuple(offered), tuple(texts), tuple(texts.values())
        )

    def decode(self, ids: Sequence[int]) -> str:
        """Nothing: texts are not kept by their ids."""
        raise AmbivoxError("tokens known by their text cannot be put together: name a tokenizer")


def beginnings(form: str) -> list[str]:
    """The texts with which a token may begin a form.

    >>> beginnings("sad"), beginnings("happy")[:4]
    (['sad', ' sad', 'Sad', ' Sad'], ['hap', 'happ', 'happy', ' hap'])
    """
    found: dict[str, None] = {}
    for written in written_variants(form):
        lead = len(written) - len(written.lstrip(" "))
        shortest = min(SHORTEST, len(written) - lead)
        found |= dict.fromkeys(written[:end] for end in range(lead + shortest, len(written) + 1))
    return list(found)


def stand_in(text: str) -> int:
    """The id that stands for a token known by its text: the same in every run.

    >>> stand_in("sad") == stand_in("sad") >= STAND_IN
    True
    """
    return STAND_IN + int.from_bytes(hashlib.blake2b(text.encode(), digest_size=5).digest(), "big")


def written_piece(raw: str) -> str:
    """What an entry of a vocabulary writes, from how a vocabulary writes it.

    >>> written_piece("Ġangry"), written_piece("▁angry"), written_piece(" angry")
    (' angry', ' angry', ' angry')
    """
    if raw and all(char in _BYTE_OF for char in raw):
        return bytes(_BYTE_OF[char] for char in raw).decode("utf-8", "replace")
    return raw.replace("▁", " ")


def _byte_of() -> dict[str, int]:
    """The characters that stand for bytes in vocabularies of byte-level BPE (GPT-2's table)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(b): b for b in plain} | {chr(256 + n): b for n, b in enumerate(others)}


_BYTE_OF = _byte_of()
