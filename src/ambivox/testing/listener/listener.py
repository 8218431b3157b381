"""The listener itself: what it believes of a clip, and the answers it may give in each format."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from ambivox.errors import UsageError, unknown_name
from ambivox.models.label_tokens import find_label_tokens
from ambivox.models.load import wrong_option
from ambivox.models.protocol import LabelTokens, Reply, Request
from ambivox.prompts import RenderedPrompt
from ambivox.prompts.prompt import LETTERS
from ambivox.raters.distribution import Array
from ambivox.testing.listener.language import END, Answers, piece, tokenise
from ambivox.testing.listener.sound import heard

ERROR = "Hard to say."
"""What the listener says in place of an answer (`format_errors`): no readout of text finds a label in it."""
ERROR_SHARE = 0.9
"""The probability of `ERROR` where it befalls a request; the rest is left to the true answer."""

_LOGIT_OFFSET = 3.0
"""Added to all logits and to their log-sum-exp: raw logits have no zero of their own."""
_WRITTEN_VERSIONS = 8
_N_LAYERS = 4


@dataclass(frozen=True)
class Listener:
    """A `SpeechModel` that hears the distribution a sound carries (`sound_of`) and answers by it.

    Its belief b of a clip is the distribution heard, mixed with `prior` by `deafness` and by the part of the
    sound that carries nothing (silence and noise carry nothing, nor does a request without audio). Then
    ``b' = softmax((log b + label_bias + position_bias + shifts) / temperature)``. An answer that names one
    label names n with probability ``b'_n``; written numbers scatter about ``softmax(log b' /
    written_temperature)`` as a Dirichlet distribution of concentration `written_concentration`.

    Args:
        prior: shape ``(N,)``, what it believes when it hears nothing; uniform by default.
        deafness: in [0, 1]; 1 never hears the clip.
        temperature: above 1 flattens, below 1 sharpens.
        label_bias_nats: shape ``(N,)``, added to the log of the belief.
        position_bias_nats: added for the option that is offered first.
        prompt_shift_nats: standard deviation of a shift for each prompt and order, the same for all clips.
        prompt_noise_nats: standard deviation of a shift for each clip, prompt and order.
        verbosity: probability of a whole sentence around the answer.
        format_errors: probability, per request, that it says `ERROR` instead (tokens still know the answer).
        written_temperature, written_concentration: of written numbers, see above.
        seed: of shifts, errors and written numbers.
    """

    name: str = "listener"
    prior: tuple[float, ...] | None = None
    deafness: float = 0.0
    temperature: float = 1.0
    label_bias_nats: tuple[float, ...] = ()
    position_bias_nats: float = 0.0
    prompt_shift_nats: float = 0.0
    prompt_noise_nats: float = 0.0
    verbosity: float = 0.0
    format_errors: float = 0.0
    written_temperature: float = 1.0
    written_concentration: float = 200.0
    seed: int = 0
    max_audio_s: float | None = None

    def __post_init__(self) -> None:
        for name in ("deafness", "verbosity", "format_errors"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"listener: {name}: {getattr(self, name):g} is not between 0 and 1")
        for name in ("temperature", "written_temperature", "written_concentration"):
            if not getattr(self, name) > 0:
                raise UsageError(f"listener: {name}: {getattr(self, name):g} is not above 0")
        if self.seed < 0:
            raise UsageError(f"listener: seed: {self.seed} is below 0")

    @property
    def fingerprint(self) -> str:
        """A hash of its settings."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    def label_tokens(self, answers: Sequence[Sequence[str]], *, numbers: bool = False) -> LabelTokens:
        """The tokens by which it writes labels: words, or letters; and numbers if asked."""
        return find_label_tokens(answers, tokenise, piece, numbers=numbers)

    def generate(self, requests: Sequence[Request]) -> list[Reply]:
        """The most probable answers, with their logits."""
        return [self._reply(request) for request in requests]

    def score(self, requests: Sequence[Request]) -> list[NDArray[np.float64]]:
        """For each request, shape ``(S,)``: log-probabilities of the label sequences in nats."""
        scores = []
        for request in requests:
            answers = self.answers(request)
            scores.append(np.array([answers.logp(sequence) for sequence in request.label_tokens.sequences]))
        return scores

    def belief(self, request: Request) -> Array:
        """What it would say of a clip under a prompt: shape ``(N,)``, sum 1."""
        order = request.prompt.order
        n_labels = len(order)
        b = _prior(self.prior, n_labels)
        if request.samples is not None:
            p, share = heard(request.samples, n_labels)
            b = b + (1 - self.deafness) * share * (p - b)
        logits = np.log(np.maximum(b, 1e-9))
        if self.label_bias_nats:
            logits = logits + _per_label("label_bias_nats", self.label_bias_nats, n_labels)
        logits[order[0]] += self.position_bias_nats
        shift, noise = self._rng("shift", request.prompt.text), self._rng(*_facts(request))
        logits += self.prompt_shift_nats * shift.normal(size=n_labels)
        logits += self.prompt_noise_nats * noise.normal(size=n_labels)
        return _softmax(logits / self.temperature)

    def answers(self, request: Request) -> Answers:
        """All answers it may give to a request, with their probabilities."""
        b, prompt = self.belief(request), request.prompt
        if prompt.format in ("dictionary", "percentages"):
            plain, lead = self._numbers(request, b), "Here is my estimate: "
        elif prompt.format == "ranked":
            plain, lead = {" > ".join(_words(prompt)[n] for n in np.argsort(-b, kind="stable")): 1.0}, ""
        else:
            one_label = {"letter": _letters(prompt.order), "sentence": [forms[0] for forms in prompt.answers]}
            names = one_label.get(prompt.format, _words(prompt))
            plain, lead = dict(zip(names, b.tolist(), strict=True)), "The speaker sounds "
        verbose = self.verbosity
        table = {text: (1 - verbose) * p for text, p in plain.items()}
        for text, p in plain.items():
            sentence = f"{lead}{text}" if prompt.format in ("dictionary", "percentages") else f"{lead}{text}."
            table[sentence] = table.get(sentence, 0.0) + verbose * p
        if self._rng("error", *_facts(request)).random() < self.format_errors:
            table = {text: (1 - ERROR_SHARE) * p for text, p in table.items()} | {ERROR: ERROR_SHARE}
        return Answers(table)

    def _numbers(self, request: Request, b: Array) -> dict[str, float]:
        """A few versions of the written numbers, equally probable."""
        wanted = _softmax(np.log(b) / self.written_temperature)
        rng = self._rng("numbers", *_facts(request))
        table: dict[str, float] = {}
        for _ in range(_WRITTEN_VERSIONS):
            hundredths = _round_to(100, rng.dirichlet(self.written_concentration * wanted + 1e-3))
            text = _write(request, hundredths)
            table[text] = table.get(text, 0.0) + 1 / _WRITTEN_VERSIONS
        return table

    def _reply(self, request: Request) -> Reply:
        answers, limit = self.answers(request), request.prompt.max_new_tokens
        tokens = answers.greedy(limit)
        logits = answers.token_logits(tokens, request.label_tokens.token_ids) + _LOGIT_OFFSET
        normaliser = np.full(len(tokens), _LOGIT_OFFSET, dtype=np.float32)
        rng = self._rng("draws", str(request.seed), *_facts(request))
        depths = np.arange(1, _N_LAYERS + 1) / _N_LAYERS
        # Layer by layer the answer comes out of a flat guess; the last layer is the answer itself.
        lens = _LOGIT_OFFSET + depths[:, None, None] * (logits - _LOGIT_OFFSET)
        return Reply(
            text=_text(tokens),
            token_ids=tokens,
            token_logits=logits.astype(np.float32),
            logsumexp=normaliser,
            finish="stop" if END in tokens else "length",
            audio_tokens=0 if request.samples is None else max(len(request.samples) // 640, 1),
            time_s=0.0,
            draws=tuple(_text(answers.draw(rng, request.temperature, limit)) for _ in range(request.n_draws)),
            lens=lens.astype(np.float32) if request.lens else None,
            lens_logsumexp=np.tile(normaliser, (_N_LAYERS, 1)) if request.lens else None,
        )

    def _rng(self, *facts: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32("/".join(facts).encode())])


def load_listener(rest: str, **options: object) -> Listener:
    """The listener of a study: ``listener`` or ``listener:NAME``, with the options of `Listener`.

    Raises:
        UsageError: an unknown option, or one of a wrong type or out of range.
    """
    known = [option.name for option in fields(Listener) if option.name != "name"]
    for option in sorted(options.keys() - set(known)):
        raise unknown_name("option", option, known)
    try:
        listener = TypeAdapter(Listener).validate_python(
            options | {"name": f"listener:{rest}" if rest else "listener"}
        )
    except ValidationError as error:
        raise wrong_option(error, known) from None
    return listener


def _facts(request: Request) -> tuple[str, str]:
    """What tells a request from others: the sound itself (not its name) and the words of the prompt."""
    sound = "" if request.samples is None else str(_checksum(request.samples.tobytes()))
    return sound, request.prompt.text


@lru_cache(maxsize=64)
def _checksum(data: bytes) -> int:
    return zlib.crc32(data)


def _prior(prior: tuple[float, ...] | None, n_labels: int) -> Array:
    if prior is None:
        return np.full(n_labels, 1 / n_labels)
    shares = _per_label("prior", prior, n_labels)
    return np.asarray(shares / shares.sum())


def _per_label(name: str, values: tuple[float, ...], n_labels: int) -> Array:
    if len(values) != n_labels:
        raise UsageError(f"listener: {name}: {len(values)} values for {n_labels} labels")
    return np.asarray(values, dtype=np.float64)


def _softmax(logits: Array) -> Array:
    weights = np.exp(logits - logits.max())
    return np.asarray(weights / weights.sum())


def _words(prompt: RenderedPrompt) -> list[str]:
    """The words that stand for the labels among the options."""
    return list(prompt.wording) or [forms[0] for forms in prompt.answers]


def _letters(order: tuple[int, ...]) -> list[str]:
    return [LETTERS[order.index(n)] for n in range(len(order))]


def _round_to(total: int, shares: Array) -> NDArray[np.int64]:
    """Whole numbers of a given sum: the largest remainders are rounded up."""
    floors = np.floor(total * shares).astype(np.int64)
    left = total - int(floors.sum())
    floors[np.argsort(floors - total * shares, kind="stable")[:left]] += 1
    return floors


def _write(request: Request, hundredths: NDArray[np.int64]) -> str:
    """The numbers in the order of the options, as the prompt asks for them."""
    order, names = request.prompt.order, _words(request.prompt)
    if request.prompt.format == "percentages":
        return "\n".join(f"{names[n]}: {hundredths[n]}%" for n in order)
    return json.dumps({names[n]: round(int(hundredths[n]) / 100, 2) for n in order})


def _text(tokens: Sequence[int]) -> str:
    return "".join(map(piece, tokens))
