"""Training examples as token ids, with what is taught at each and where the options stand."""

from __future__ import annotations

from dataclasses import dataclass

from transformers import PreTrainedTokenizerFast, Qwen2AudioProcessor

from recipes.mini.chat import Example, Slot
from recipes.mini.checkpoint import AUDIO, IM_START

SLOT_WEIGHT = 3.0
NUMBER_WEIGHT = 12.0
"""A digit of a share is what a long answer is about; its words and brackets are soon learnt."""
LAST_NUMBER_WEIGHT = 36.0
"""On it hangs whether they sum to one."""
NUMBERS = ("dictionary", "percentages")
"""Formats whose answers hold numbers."""


@dataclass(frozen=True)
class Tokens:
    """An example as token ids.

    Args:
        format: of the answer.
        ids: prompt (one audio placeholder) and answer.
        first: index of the first answer token in ``ids``.
        soft: per answer token its target: candidate ids and their shares.
        weights: per answer token its weight in the loss: `SLOT_WEIGHT` for the words of slots,
            `NUMBER_WEIGHT` for numbers, `LAST_NUMBER_WEIGHT` for the last of them.
        options: where the options stand in ``ids``, in the order of the prompt.
        look: index of an answer token, and the shares of the options on which it rests.
        sums: as many as `look`, the sum of the numbers before each, in tenths of one; 0 without numbers.
        named: indexes of the answer tokens that name an option before its number.
        digits: indexes of the answer tokens that are digits.
        starts: where turns start in ``ids``.
    """

    format: str
    ids: list[int]
    first: int
    soft: list[tuple[list[int], list[float]]]
    weights: list[float]
    options: list[int]
    look: list[tuple[int, list[float]]]
    sums: list[int]
    named: list[int]
    digits: list[int]
    starts: list[int]


class Encoding:
    """Turns examples into token ids with the tokenizer and chat template of the checkpoint."""

    def __init__(self, processor: Qwen2AudioProcessor) -> None:
        self.processor = processor
        self.tokenizer: PreTrainedTokenizerFast = processor.tokenizer
        self.audio = int(self.tokenizer.convert_tokens_to_ids(AUDIO))
        self.end = int(self.tokenizer.eos_token_id)
        self._start = int(self.tokenizer.convert_tokens_to_ids(IM_START))
        self._digits = {int(self.tokenizer.convert_tokens_to_ids(str(n))) for n in range(10)}
        self._prompts: dict[str, list[int]] = {}

    def prompt_ids(self, text: str) -> list[int]:
        """Ids of one user turn, up to where the answer begins."""
        if text in self._prompts:
            return self._prompts[text]
        turn = [{"role": "user", "content": [{"type": "audio"}, {"type": "text", "text": text}]}]
        written = self.processor.apply_chat_template(turn, add_generation_prompt=True, tokenize=False)
        self._prompts[text] = list(self.tokenizer.encode(written, add_special_tokens=False))
        return self._prompts[text]

    def __call__(self, made: Example) -> Tokens:
        """Tokenise the answer as one text, and find the slots in it by their place in the text."""
        prompt = self.prompt_ids(made.prompt.text)
        encoded = self.tokenizer(made.answer, add_special_tokens=False, return_offsets_mapping=True)
        ids, spans = encoded["input_ids"], encoded["offset_mapping"]
        soft: list[tuple[list[int], list[float]]] = [([token], [1.0]) for token in ids]
        weights = [1.0] * (len(ids) + 1)
        look: list[tuple[int, list[float]]] = []
        sums: list[int] = []
        named: list[int] = []
        place = 0
        for part in made.parts:
            if isinstance(part, str):
                place += len(part)
                continue
            slot, chosen = part
            # A word that follows a space is one token with its space.
            spaced = place > 0 and made.answer[place - 1] == " " and not slot.words[0].isdigit()
            index = next(i for i, (start, end) in enumerate(spans) if end > place)
            soft[index] = self._candidates(slot, " " if spaced else "")
            weights[index] = SLOT_WEIGHT
            if slot.look is not None:
                look.append((index, slot.look.tolist()))
                sums.append(slot.sum_before)
                if made.prompt.format in NUMBERS:
                    weights[index] = NUMBER_WEIGHT
            elif len(slot.words) == 1:
                named.append(index)
            place += len(slot.words[chosen])
        if look and made.prompt.format in NUMBERS:
            weights[look[-1][0]] = LAST_NUMBER_WEIGHT
        soft.append(([self.end], [1.0]))
        options = self._options(made, prompt) if look else []
        return Tokens(
            made.prompt.format,
            [*prompt, *ids, self.end],
            len(prompt),
            soft,
            weights,
            options,
            look,
            sums,
            named,
            digits=[index for index, token in enumerate(ids) if token in self._digits],
            starts=[place for place, token in enumerate(prompt) if token == self._start],
        )

    def _options(self, made: Example, prompt: list[int]) -> list[int]:
        """Where the options stand in the ids of the prompt: the last place, since context comes before."""
        places = []
        for n in made.prompt.order:
            token = self.first_token(f" {made.labels[n]}")
            places.append(len(prompt) - 1 - prompt[::-1].index(token))
        return places

    def first_token(self, text: str) -> int:
        """The id with which a text begins."""
        return int(self.tokenizer.encode(text, add_special_tokens=False)[0])

    def _candidates(self, slot: Slot, lead: str) -> tuple[list[int], list[float]]:
        shares: dict[int, float] = {}
        for word, share in zip(slot.words, slot.shares, strict=True):
            first = self.first_token(lead + word)
            shares[first] = shares.get(first, 0.0) + float(share)
        return list(shares), list(shares.values())
