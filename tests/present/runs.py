"""Runs made by hand: records of a model that was never asked, with answers of every kind."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from ambivox.emotions import load_emotions
from ambivox.models import LabelTokens, Reply
from ambivox.prompts import RenderedPrompt
from ambivox.reasons import Reason
from ambivox.record import Asked, AskedClip, AskedModel, AskedUtterance, Record, Sound, write_records
from ambivox.run import Run, Study
from tests.records import change, note_shards

EMOTIONS = load_emotions("cremad6")
LABELS = EMOTIONS.labels
FORMATS = {"word": "word", "letter": "letter", "dictionary": "dictionary", "percentages": "percentages"}
LABEL_TOKENS = LabelTokens(
    sequences=tuple((n,) for n in range(6)),
    sequence_labels=tuple(range(6)),
    offered=(True,) * 6,
    token_ids=tuple(range(6)),
    tokens=LABELS,
)
SHARED = LabelTokens(  # the first two labels begin with one token
    sequences=((0, 7), (0, 8), (2,), (3,), (4,), (5,)),
    sequence_labels=tuple(range(6)),
    offered=(True,) * 6,
    token_ids=(0, 2, 3, 4, 5),
    tokens=("an", *LABELS[2:]),
)

Say = Callable[[int, str, np.ndarray[Any, Any]], str | None]
"""Number of the clip, prompt and votes -> the answer, or None for a request that fails."""


@dataclass(frozen=True)
class Made:
    """What a run is made of; the defaults are forty clips of five speakers and two prompts."""

    clips: int = 40
    prompts: tuple[str, ...] = ("word", "dictionary")
    controls: tuple[str, ...] = ("clip",)
    readouts: tuple[str, ...] = ("label", "dictionary", "first", "mean(value=logit, normalise=sum)")
    model: str = "mini"
    corpus: str = "crema-d"
    licence: str = "ODbL"
    notes: tuple[str, ...] = ()
    votes_invented: bool = False
    names: Sequence[str] = ()
    votes: Callable[[int], Mapping[str, int]] | None = None
    say: Say | None = None
    label_tokens: LabelTokens = LABEL_TOKENS
    offset: float = 0.0
    error: str = "clips/broken.wav: no sound in it"
    audio_tokens: int = 50
    changes: Mapping[str, Any] = field(default_factory=dict)


def make_run(folder: Path, made: Made | None = None) -> Run:
    """Write a run that looks like one of `ambivox.run_study`."""
    made = made or Made()
    study = Study.model_validate(
        {
            "corpora": [{"name": made.corpus, "path": "/nowhere"}],
            "models": [made.model],
            "prompts": made.prompts,
            "controls": made.controls,
            "readouts": made.readouts,
        }
    )
    (folder / "records").mkdir(parents=True)
    (folder / "study.yaml").write_text(yaml.safe_dump(study.model_dump(mode="json")), "utf-8")
    environment = {
        "python": "3.12.0",
        "platform": "Linux",
        "packages": {"ambivox": "0.1.0", "numpy": "2.0.0"},
        "models": {made.model: "f1e2d3c4"},
        "corpora": {
            made.corpus: {
                "licence": made.licence,
                "votes_invented": made.votes_invented,
                "fingerprint": "0123456789abcdef",
                "utterances": made.clips,
                "notes": list(made.notes),
            }
        },
        "prompts": dict.fromkeys(made.prompts, 1),
        "seed": 0,
        "order_seeds": [None],
        "requests": made.clips * len(made.controls) * len(made.prompts),
        "decoding": "greedy",
    }
    (folder / "environment.json").write_text(json.dumps(environment), "utf-8")
    shard = folder / "records" / "00-000000.parquet"
    write_records(_records(made), shard)
    os.utime(shard, (1_790_000_000, 1_790_000_000))
    note_shards(Run(folder))
    return Run(folder)


def _records(made: Made) -> Iterator[Record]:
    rng = np.random.default_rng(1)
    for clip in range(made.clips):
        leaning = rng.dirichlet(np.full(6, 0.5))
        votes = rng.multinomial(10, leaning)
        given = dict(zip(LABELS, map(int, votes), strict=True)) if made.votes is None else made.votes(clip)
        for control in made.controls:
            for prompt in made.prompts:
                record = _asked(made, clip, control, prompt, given)
                text = (made.say or _say)(clip, prompt, votes)
                logits = np.log(0.7 * (leaning if control == "clip" else np.full(6, 1 / 6)) + 0.05)
                noise = rng.normal(0, 0.4, (3, 6))
                if text is None:
                    yield record.failed(Reason("clip", made.error))
                else:
                    yield _answered(record, made, text, (logits + noise + made.offset).astype(np.float32))


def _asked(made: Made, clip: int, control: str, prompt: str, votes: Mapping[str, int]) -> Record:
    name = made.names[clip] if clip < len(made.names) else f"10{clip % 5:02d}_DFA_{clip:03d}"
    asked = Asked(
        utterance=AskedUtterance(made.corpus, name, str(1000 + clip % 5), None, None, votes),
        clip=AskedClip(f"clips/{name}.wav", None, None, name if control == "clip" else None),
        control=control,
        model=AskedModel(made.model, "f1e2d3c4"),
        emotions=EMOTIONS,
        prompt=RenderedPrompt(
            prompt,
            1,
            FORMATS[prompt],  # type: ignore[arg-type]
            "Which emotion does it carry?",
            tuple(range(6)),
            EMOTIONS.forms,
            32,
            LABELS,
        ),
        order_seed=None,
        context_turns=0,
        temperature=None,
        label_tokens=made.label_tokens,
    )
    return change(Record(f"{clip}-{control}-{prompt}", asked), made.changes)  # type: ignore[no-any-return]


def _answered(record: Record, made: Made, text: str, logits: np.ndarray[Any, Any]) -> Record:
    reply = Reply(
        text=text,
        token_ids=(1, 2, 3),
        token_logits=logits[:, list(made.label_tokens.token_ids)],
        logsumexp=np.logaddexp.reduce(np.c_[logits, np.full(3, made.offset)], axis=1).astype(np.float32),
        finish="stop",
        audio_tokens=made.audio_tokens,
        time_s=0.1,
    )
    return record.answered(reply, Sound(2.5))


def _say(clip: int, prompt: str, votes: np.ndarray[Any, Any]) -> str | None:
    """Answers of every status, most of them good."""
    if clip % 17 == 5:
        return None
    if prompt == "word":
        odd = {3: "I am sorry, I cannot tell.", 7: "bored", 11: "angry or sad", 13: ""}
        return odd.get(clip % 16, LABELS[int(votes.argmax())])
    shares = np.round(votes / votes.sum(), 2)
    pairs = {label: float(share) for label, share in zip(LABELS, shares, strict=True)}
    match clip % 16:
        case 2:
            return json.dumps({label: 2 * share for label, share in pairs.items()})
        case 4:
            return json.dumps({label: max(pairs[label], 0.1) for label in LABELS[:4]})
        case 6:
            return json.dumps({"bored": 0.5, "happy": 0.5})
        case 8:
            return "I would say it is hard to put in numbers."
        case 9:
            return "As an AI I cannot hear audio."
    return json.dumps(pairs)
