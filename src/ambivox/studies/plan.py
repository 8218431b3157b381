"""From a study to the list of requests, in an order that never changes."""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ambivox.corpora import Corpus, Utterance, load_corpus
from ambivox.emotions import EmotionSet, load_emotions
from ambivox.errors import UsageError
from ambivox.models import SpeechModel, Watch
from ambivox.prompts import Prompt, RenderedPrompt, load_prompt, option_order
from ambivox.readouts import Readout, load_readouts
from ambivox.record import Record
from ambivox.studies.config import Control, Study


@dataclass(frozen=True)
class Parts:
    """A study with every name looked up, so that a mistake shows before the first model is loaded."""

    study: Study
    emotions: EmotionSet
    corpora: tuple[Corpus, ...]
    prompts: tuple[Prompt, ...]
    readouts: tuple[Readout, ...]


@dataclass(frozen=True)
class Planned:
    """One request to come: the unanswered record and what is needed to ask."""

    record: Record
    prompt: RenderedPrompt
    watch: Watch


def look_up(study: Study) -> Parts:
    """Load the corpora and look up prompts, emotions and readouts.

    Raises:
        UsageError: an unknown name, an unreadable corpus, or one without utterances.
    """
    emotions = load_emotions(study.emotions)
    prompts = tuple(load_prompt(name) for name in study.prompts)
    readouts = tuple(load_readouts(study.readouts))
    corpora = []
    for spec in study.corpora:
        corpus = load_corpus(spec.name, spec.path, **spec.options)
        if not len(corpus):
            raise UsageError(f"corpus {spec.name!r}: no utterances in {spec.path}")
        corpora.append(corpus.keep(corpus.utterances[: spec.limit]))
    _check_unique("corpora", [corpus.name for corpus in corpora])
    _check_unique("models", [model.name for model in study.models])
    return Parts(study, emotions, tuple(corpora), prompts, readouts)


def _check_unique(kind: str, names: list[str]) -> None:
    # Records are told apart by these names when they are scored.
    if len(set(names)) < len(names):
        raise UsageError(f"{kind}: two are called {max(names, key=names.count)!r}; run them in two studies")


def count_requests(parts: Parts) -> int:
    """How many requests the study asks of each model."""
    study = parts.study
    clips = sum(len(corpus) for corpus in parts.corpora)
    return clips * len(study.controls) * len(parts.prompts) * len(study.order_seeds)


def plan(parts: Parts, model: SpeechModel) -> Iterator[Planned]:
    """All requests to one model: clip by clip, and for each clip every control, prompt and option order."""
    study = parts.study
    watch = functools.cache(model.watch)
    for corpus in parts.corpora:
        for utterance in corpus:
            for control, prompt, seed in itertools.product(study.controls, parts.prompts, study.order_seeds):
                transcript = utterance.transcript if study.transcript else None
                order = option_order(len(parts.emotions), seed)
                rendered = prompt.render(parts.emotions, order=order, transcript=transcript)
                record = unanswered(
                    utterance, rendered, parts.emotions, model, corpus=corpus.name, control=control, seed=seed
                )
                yield Planned(record, rendered, watch(rendered.answers))


def unanswered(
    utterance: Utterance,
    prompt: RenderedPrompt,
    emotions: EmotionSet,
    model: SpeechModel,
    *,
    corpus: str = "",
    control: Control = "none",
    seed: int | None = None,
) -> Record:
    """The record of a request that has not been asked; its key is filled in when the clip is read."""
    return Record(
        key="",
        corpus=corpus,
        utterance=utterance.id,
        clip=str(utterance.audio),
        start_s=utterance.start_s,
        end_s=utterance.end_s,
        speaker=utterance.speaker,
        intended=utterance.intended,
        votes=dict(utterance.votes),
        control=control,
        model=model.name,
        model_fingerprint=model.fingerprint,
        prompt=prompt.name,
        prompt_version=prompt.version,
        format=prompt.format,
        prompt_text=prompt.text,
        order=prompt.order,
        order_seed=seed,
        emotion_set=emotions.name,
        labels=emotions.labels,
        forms=emotions.forms,
    )


def request_key(record: Record, audio_digest: str, **settings: object) -> str:
    """A hash of all that an answer depends on: audio bytes, prompt, model, labels, control and settings."""
    facts = [
        record.corpus,
        record.utterance,
        audio_digest,
        record.control,
        record.model_fingerprint,
        record.prompt_text,
        record.format,
        record.order,
        record.labels,
        record.forms,
        settings,
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def shards(planned: Iterable[Planned], size: int) -> Iterator[list[Planned]]:
    """Cut a plan into shards of `size` requests; the last may be shorter."""
    iterator = iter(planned)
    while shard := list(itertools.islice(iterator, size)):
        yield shard
