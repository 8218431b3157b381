"""A speech model without weights: its answers are a pure function of the clip and the prompt."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.special import logsumexp

from ambivox.models import LabelTokens, Reply, Request, find_label_tokens, score_by_trie

VOCABULARY = 2**14


@dataclass
class ToyModel:
    """Answers every prompt in its format, from numbers drawn with a hash of the samples as the seed.

    ``fails_on`` names clips (by `Request.name`) that it cannot answer; ``batches`` keeps what came together.
    """

    name: str = "toy"
    fingerprint: str = "toy-1"
    max_audio_s: float | None = 10.0
    fails_on: tuple[str, ...] = ()
    batches: list[list[str]] = field(default_factory=list)

    def label_tokens(self, answers: Sequence[Sequence[str]], *, numbers: bool = False) -> LabelTokens:
        return find_label_tokens(answers, lambda text: [hash_token(text)], str, numbers=numbers)

    def generate(self, requests: Sequence[Request]) -> list[Reply]:
        self.batches.append([request.name for request in requests])
        for request in requests:
            if request.name in self.fails_on:
                raise RuntimeError(f"cannot digest\n{request.name}")
        return [self._reply(request) for request in requests]

    def score(self, requests: Sequence[Request]) -> list[NDArray[np.float64]]:
        scores = []
        for request in requests:
            logits = self._logits(request)[0]
            logp = logits - np.log(np.exp(logits).sum())
            scores.append(
                score_by_trie(request.label_tokens.sequences, lambda p, logp=logp: np.tile(logp, (len(p), 1)))
            )
        return scores

    def _reply(self, request: Request) -> Reply:
        logits = self._logits(request)
        layers = np.stack([0.5 * logits, logits])
        return Reply(
            text=self._text(request, logits[0]),
            token_ids=(1, 2),
            token_logits=logits[:, list(request.label_tokens.token_ids)].astype(np.float32),
            logsumexp=np.log(np.exp(logits).sum(axis=1)).astype(np.float32),
            finish="stop",
            audio_tokens=0 if request.samples is None else len(request.samples) // 640,
            time_s=0.01,
            draws=tuple(
                self._text(request, logits[0] / request.temperature + noise)
                for noise in np.random.default_rng(request.seed).gumbel(size=(request.n_draws, VOCABULARY))
            ),
            lens=layers.astype(np.float32)[..., list(request.label_tokens.token_ids)]
            if request.lens
            else None,
            lens_logsumexp=logsumexp(layers, axis=2).astype(np.float32) if request.lens else None,
        )

    def _logits(self, request: Request) -> NDArray[np.float64]:
        heard = b"" if request.samples is None else request.samples.tobytes()
        digest = hashlib.sha256(heard + request.prompt.text.encode()).digest()
        return np.random.default_rng(list(digest)).normal(size=(2, VOCABULARY))

    def _text(self, request: Request, logits: NDArray[np.float64]) -> str:
        names = [forms[0] for forms in request.prompt.answers]
        shares = np.exp(logits[: len(names)])
        shares /= shares.sum()
        best = names[int(shares.argmax())]
        numbers = {name: round(float(share), 4) for name, share in zip(names, shares, strict=True)}
        lines = "\n".join(f"{name}: {100 * share:.2f}%" for name, share in numbers.items())
        return {"dictionary": str(numbers), "percentages": lines}.get(request.prompt.format, best)


def hash_token(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % VOCABULARY


def write_corpus(folder: Path, n_clips: int = 6, seconds: float = 0.5) -> Path:
    """A manifest with n clips of noise, two speakers, votes over the six emotions of CREMA-D."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    rows = ["id,audio,speaker,votes.angry,votes.happy,votes.neutral,votes.sad,votes.bored"]
    for i in range(n_clips):
        samples = rng.normal(0, 0.1, round(seconds * 16_000))
        soundfile.write(folder / f"clip{i}.wav", samples, 16_000)
        counts = ",".join(str(int(n)) for n in rng.integers(0, 5, 4) + np.eye(4, dtype=int)[i % 4])
        rows.append(f"clip{i},clip{i}.wav,speaker{i % 2},{counts},{i % 2}")
    manifest = folder / "manifest.csv"
    manifest.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return manifest
