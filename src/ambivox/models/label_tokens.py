"""Which tokens name a label, and the exact probability of labels of several tokens by a trie."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ambivox.errors import UsageError
from ambivox.models.protocol import LabelTokens

Tokens = tuple[int, ...]
Forms = Literal["offered", "all"]
"""Which forms count as naming a label: the one that the prompt offers, or all that are listed."""

NUMBERS = (*map(str, range(10)), *(f"{n:02d}" for n in range(100)), "100", ".")
"""What tokens that write numbers look like: digits one by one, two together, and the dot. Most tokenizers
have the ten digits only; three together are looked for as 100 alone, or there would be a thousand."""


def written_variants(form: str) -> tuple[str, ...]:
    """How a model may begin an answer with a form: as it is or capitalised, with or without a space before.

    >>> written_variants("angry")
    ('angry', ' angry', 'Angry', ' Angry')
    """
    spellings = dict.fromkeys([form, form[:1].upper() + form[1:]])
    return tuple(space + spelling for spelling in spellings for space in ("", " "))


def find_label_tokens(
    answers: Sequence[Sequence[str]],
    tokenise: Callable[[str], Sequence[int]],
    piece: Callable[[int], str],
    *,
    numbers: bool = False,
    spellings: Callable[[str], Sequence[str]] = written_variants,
) -> LabelTokens:
    """Find the token sequences of every written form of every label.

    What `select_forms` would leave out whatever it is asked for is not kept.

    Args:
        answers: per label its written forms, the one that the prompt offers first.
        tokenise: text -> token ids, without special tokens.
        piece: token id -> its text.
        numbers: also find the tokens of `NUMBERS`, after those of the labels.
        spellings: the ways in which a form may be spelt.

    Raises:
        UsageError: a form without tokens, or two labels that the tokenizer writes with the same tokens.

    >>> label_tokens = find_label_tokens([["no"], ["nod"]], lambda text: [ord(c) for c in text.strip()], chr)
    >>> label_tokens.tokens, label_tokens.token_labels
    (('n', 'N'), ((0, 1), (0, 1)))
    """
    owner: dict[Tokens, int] = {}
    offered: set[Tokens] = set()
    for label, forms in enumerate(answers):
        offered.update(tuple(tokenise(v)) for v in spellings(forms[0]))
        for sequence in (tuple(tokenise(v)) for form in forms for v in spellings(form)):
            if not sequence:
                raise UsageError(
                    f"label {forms[0]!r}: the tokenizer writes it with no token; choose another form"
                )
            if owner.setdefault(sequence, label) != label:
                other = answers[owner[sequence]][0]
                raise UsageError(
                    f"labels {other!r} and {forms[0]!r} have the same tokens in this model's tokenizer "
                    f"({_spell(sequence, piece)}), so no logit can tell them apart: give one another form"
                )
    wanted = _begin_a_label(owner) | _begin_a_label({s: owner[s] for s in owner if s in offered})
    sequences = tuple(sequence for sequence in owner if sequence in wanted)
    first = dict.fromkeys(sequence[0] for sequence in sequences)
    kept = tuple(first | dict.fromkeys(_number_tokens(tokenise, piece) if numbers else ()))
    return LabelTokens(
        sequences,
        tuple(owner[sequence] for sequence in sequences),
        tuple(sequence in offered for sequence in sequences),
        kept,
        tuple(piece(token) for token in kept),
    )


@lru_cache(maxsize=256)
def select_forms(label_tokens: LabelTokens, forms: Forms) -> tuple[LabelTokens, tuple[int, ...]]:
    """The label tokens with the sequences of some forms only, and the places of these, shape ``(S',)``.

    A sequence that continues another of the same label is left out, since its probability is part of the
    shorter's; not so where a sequence of another label comes between ("fear", "fear|ful", "fear|ful|ness").

    >>> label_tokens = find_label_tokens([["sad", "blue"], ["fed"]], lambda text: [hash(text)], str)
    >>> [len(select_forms(label_tokens, forms)[0].sequences) for forms in ("offered", "all")]
    [8, 12]
    """
    owner = {
        sequence: label
        for sequence, label, offered in zip(
            label_tokens.sequences, label_tokens.sequence_labels, label_tokens.offered, strict=True
        )
        if offered or forms == "all"
    }
    wanted = _begin_a_label(owner)
    places = tuple(place for place, sequence in enumerate(label_tokens.sequences) if sequence in wanted)
    selected = replace(
        label_tokens,
        sequences=tuple(label_tokens.sequences[place] for place in places),
        sequence_labels=tuple(label_tokens.sequence_labels[place] for place in places),
        offered=tuple(label_tokens.offered[place] for place in places),
    )
    return selected, places


def _begin_a_label(owner: Mapping[Tokens, int]) -> set[Tokens]:
    """The sequences that do not just continue another of the same label."""
    return {sequence for sequence, label in owner.items() if _begun_by(sequence, owner) != label}


def _number_tokens(tokenise: Callable[[str], Sequence[int]], piece: Callable[[int], str]) -> Iterator[int]:
    for number in NUMBERS:
        for written in (number, f" {number}"):
            # A tokenizer may put a token of its own before the first word of a text, so not the first only.
            yield from (token for token in tokenise(written) if piece(token).strip(" ") == number)


def _begun_by(sequence: Tokens, owner: Mapping[Tokens, int]) -> int | None:
    """The label of the longest sequence that this one continues."""
    prefixes = (sequence[:n] for n in range(len(sequence) - 1, 0, -1))
    return next((owner[prefix] for prefix in prefixes if prefix in owner), None)


def _spell(sequence: Tokens, piece: Callable[[int], str]) -> str:
    return " + ".join(repr(piece(token)) for token in sequence)


NextLogp = Callable[[Sequence[Tokens]], NDArray[np.float64]]
"""Prefixes of tokens, shape ``(P,)`` -> log-probabilities of the next token in nats, shape ``(P, V)``."""


def score_by_trie(sequences: Sequence[Tokens], next_logp: NextLogp) -> NDArray[np.float64]:
    """Log-probability of token sequences, asking the model once for every distinct prefix.

    ``log p(a b c) = log p(a) + log p(b | a) + log p(c | a b)``; sequences with a common prefix share its
    cost, and sequences of one token cost nothing beyond the prompt itself.

    Args:
        sequences: shape ``(S,)``, none empty.
        next_logp: the model, given what the answer began with.

    Returns:
        Shape ``(S,)``, nats, at most 0.

    >>> half = lambda prefixes: np.log(np.full((len(prefixes), 2), 0.5))
    >>> np.exp(score_by_trie([(0,), (1, 0), (1, 1)], half)).tolist()
    [0.5, 0.25, 0.25]
    """
    prefixes = list(dict.fromkeys(s[:n] for s in sequences for n in range(len(s))))
    row = {prefix: i for i, prefix in enumerate(prefixes)}
    logp = next_logp(prefixes)
    return np.array([sum(logp[row[s[:n]], s[n]] for n in range(len(s))) for s in sequences], dtype=np.float64)
