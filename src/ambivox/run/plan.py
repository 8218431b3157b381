"""From a study to the list of requests, in an order that never changes."""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar, cast

from ambivox.calibration import CALIBRATIONS
from ambivox.choices import Control
from ambivox.corpora import Corpus, Turn, Utterance, load_corpus
from ambivox.emotions import EmotionSet, load_emotions
from ambivox.errors import UsageError, unknown_name
from ambivox.models import LabelTokens, SpeechModel
from ambivox.models.protocol import check_taken
from ambivox.prompts import Prompt, RenderedPrompt, load_prompt, option_order
from ambivox.readouts import Need, Readout, load_readouts, needs_of
from ambivox.record import Asked, AskedClip, AskedModel, AskedUtterance, Record
from ambivox.run.part import Part
from ambivox.run.swap import swap_clips
from ambivox.run.transcripts import with_transcripts
from ambivox.study import Study

Item = TypeVar("Item")


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
    """One request to come: the unanswered record and what is needed to ask.

    Args:
        needs: what the readouts of the study need besides the answer.
        n_draws: how many answers to sample.
        ask_silent: whether to ask about a clip of digital silence.
        readable: whether the bytes of the clip could be read.
    """

    record: Record
    needs: tuple[Need, ...] = ()
    n_draws: int = 0
    ask_silent: bool = False
    readable: bool = True


@dataclass(frozen=True)
class Variant:
    """One cell of the grid that every utterance meets."""

    control: Control
    prompt: Prompt
    needs: tuple[Need, ...]
    wording: tuple[str, ...]
    order_seed: int | None
    order: tuple[int, ...]
    temperature: float | None
    context_turns: int = 0


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
    if study.transcripts_from is not None:
        corpora = with_transcripts(corpora, study.transcripts_from)
    _check_context(study, corpora, prompts)
    _check_unique("corpora", [corpus.name for corpus in corpora])
    _check_unique("prompts", [prompt.name for prompt in prompts])
    _check_unique("models", [model.name for model in study.models])
    controls_of(study)
    for wording in study.wordings:
        write_labels(emotions, wording)
    return Parts(study, emotions, tuple(corpora), prompts, readouts)


def _check_context(study: Study, corpora: Iterable[Corpus], prompts: Iterable[Prompt]) -> None:
    # Every utterance must have its turns, or rows of different k would be about different utterances.
    k = max(study.context_turns)
    if k:
        for corpus in corpora:
            for utterance in corpus:
                corpus.turns_before(utterance, k)
        for prompt in prompts:
            if not prompt.takes_context:
                raise UsageError(
                    f"prompt {prompt.name!r} has no place for context turns: write {{{{ context }}}} into "
                    "its text, or leave out context_turns"
                )


def _check_unique(kind: str, names: list[str]) -> None:
    # Records are told apart by these names when they are scored.
    if len(set(names)) < len(names):
        raise UsageError(f"{kind}: two are called {max(names, key=names.count)!r}; run them in two studies")


def count_requests(parts: Parts, part: Part | None = None) -> int:
    """How many requests the study, or a part of it, asks of each model."""
    cut = cut_of(parts)
    if part is None:
        return cut.n_clips * cut.of_clip
    return sum(len(cut.places(number)) for number in range(len(cut)) if number in part)


@dataclass(frozen=True)
class Cut:
    """Where the requests on clips are cut into shards: as `shards` cuts them, without going through them.

    Args:
        n_clips: of all corpora together.
        of_clip: how many requests there are on each.
        size: how many of them a shard holds at most.

    >>> cut = Cut(n_clips=3, of_clip=2, size=5)
    >>> [cut.places(number) for number in range(len(cut))]
    [range(0, 4), range(4, 6)]
    """

    n_clips: int
    of_clip: int
    size: int

    @property
    def _clips_together(self) -> int:
        return max(1, self.size // self.of_clip)

    @property
    def _shards_together(self) -> int:
        return -(-self.of_clip // self.size)

    def __len__(self) -> int:
        return -(-self.n_clips // self._clips_together) * self._shards_together

    def places(self, shard: int) -> range:
        """Which requests are in a shard, counted from 0 over the whole plan."""
        group, piece = divmod(shard, self._shards_together)
        clips = range(self.n_clips)[group * self._clips_together : (group + 1) * self._clips_together]
        requests = range(clips.start * self.of_clip, clips.stop * self.of_clip)
        return requests[piece * self.size : (piece + 1) * self.size]


def cut_of(parts: Parts) -> Cut:
    """Where the plan of a study is cut into shards; it is the same for each of its models."""
    n_clips = sum(len(corpus) for corpus in parts.corpora)
    return Cut(n_clips, len(variants(parts)), parts.study.shard_size)


def variants(parts: Parts) -> list[Variant]:
    """What is asked about each utterance: every control, prompt, context, wording, order and temperature."""
    study = parts.study
    found = []
    for control, prompt, k, wording in itertools.product(
        controls_of(study), parts.prompts, study.context_turns, study.wordings
    ):
        needs = needs_of(parts.readouts, prompt.format)
        temperatures = study.temperatures if "draws" in needs else (None,)
        for (seed, order), temperature in itertools.product(
            _orders(study, len(parts.emotions)), temperatures
        ):
            words = write_labels(parts.emotions, wording)
            found.append(Variant(control, prompt, needs, words, seed, order, temperature, k))
    return found


def controls_of(study: Study) -> tuple[Control, ...]:
    """The controls of a study and those by whose answers its calibrations divide.

    Raises:
        UsageError: an unknown calibration.
    """
    needed = [control for name in study.calibrations for control in CALIBRATIONS[name].controls]
    shown = [control for control in needed if study.transcript or control != "transcript-only"]
    return tuple(dict.fromkeys((*study.controls, *cast(list[Control], shown))))


def _orders(study: Study, n_labels: int) -> list[tuple[int | None, tuple[int, ...]]]:
    if study.order_seeds == "rotations":
        labels = tuple(range(n_labels))
        return [(None, labels[n:] + labels[:n]) for n in labels]
    return [(seed, option_order(n_labels, seed)) for seed in study.order_seeds]


def write_labels(emotions: EmotionSet, wording: Mapping[str, str] | None) -> tuple[str, ...]:
    """Shape ``(N,)``: the form that stands for each label; those that a wording leaves out keep their name.

    Raises:
        UsageError: a label that the set has not, or a word that is no form of it.

    >>> write_labels(load_emotions("iemocap4"), {"angry": "anger"})
    ('neutral', 'happy', 'anger', 'sad')
    """
    wording = wording or {}
    for label, word in wording.items():
        if label not in emotions.labels:
            raise unknown_name("label in wordings", label, list(emotions.labels))
        if emotions.index(word) != emotions.labels.index(label):
            raise unknown_name(f"form of {label!r}", word, list(emotions.forms[emotions.labels.index(label)]))
    return tuple(wording.get(label, label) for label in emotions.labels)


class Plan:
    """All requests to one model: utterance by utterance, and for each one every variant.

    A shard can be had without those before it.

    Raises:
        UsageError: a prompt that the model does not take.
    """

    def __init__(self, parts: Parts, model: SpeechModel) -> None:
        check_taken(model, parts.prompts)
        self._parts, self._model = parts, model
        self._label_tokens = functools.cache(model.label_tokens)
        self._variants = variants(parts)
        self._heard: list[tuple[Corpus, Utterance, Utterance]] = []
        """By clip: corpus, utterance, and the one whose clip is heard where the control is ``swapped``."""
        for corpus in parts.corpora:
            swapped = "swapped" in controls_of(parts.study)
            others = swap_clips(corpus.utterances, parts.study.seed) if swapped else corpus.utterances
            self._heard += [(corpus, *pair) for pair in zip(corpus, others, strict=True)]
        self.cut = cut_of(parts)

    def __iter__(self) -> Iterator[Planned]:
        return map(self._request, range(self.cut.n_clips * self.cut.of_clip))

    def shard(self, number: int) -> list[Planned]:
        """The requests of one shard."""
        return list(map(self._request, self.cut.places(number)))

    def _request(self, place: int) -> Planned:
        clip, n_variant = divmod(place, self.cut.of_clip)
        (corpus, utterance, other), variant = self._heard[clip], self._variants[n_variant]
        study, emotions = self._parts.study, self._parts.emotions
        rendered = variant.prompt.render(
            emotions,
            order=variant.order,
            wording=variant.wording,
            transcript=_transcript(study, variant.control, utterance),
            context=context_lines(corpus.turns_before(utterance, variant.context_turns)),
        )
        record = unanswered(
            utterance,
            rendered,
            emotions,
            self._model,
            self._label_tokens(rendered.answers, numbers="numbers" in variant.needs),
            corpus=corpus.name,
            control=variant.control,
            seed=variant.order_seed,
            other=other,
            temperature=variant.temperature,
            context_turns=variant.context_turns,
        )
        n_draws = study.n_draws if "draws" in variant.needs else 0
        return Planned(record, variant.needs, n_draws, study.ask_silent)


def _transcript(study: Study, control: Control, utterance: Utterance) -> str | None:
    shown = study.transcript or control == "transcript-only"
    return utterance.transcript if shown and control != "no-audio" else None


def context_lines(turns: Iterable[Turn]) -> tuple[str, ...]:
    """Turns of a dialogue as a prompt writes them, ``speaker: words``.

    >>> context_lines([Turn("t0", "Ann", "Is it late?", 0), Turn("t1", None, None, 1)])
    ('Ann: Is it late?', 'unknown speaker: (no transcript)')
    """
    return tuple(
        f"{turn.speaker or 'unknown speaker'}: {' '.join((turn.transcript or '(no transcript)').split())}"
        for turn in turns
    )


def unanswered(
    utterance: Utterance,
    prompt: RenderedPrompt,
    emotions: EmotionSet,
    model: SpeechModel,
    label_tokens: LabelTokens,
    *,
    corpus: str = "",
    control: Control = "clip",
    seed: int | None = None,
    other: Utterance | None = None,
    temperature: float | None = None,
    context_turns: int = 0,
) -> Record:
    """The record of a request that has not been asked; its key is filled in when the clip is read.

    `other` is the utterance whose clip is heard where the control is ``swapped``.
    """
    heard = other if control == "swapped" and other is not None else utterance
    return Record(
        key="",
        asked=Asked(
            utterance=AskedUtterance(
                corpus,
                utterance.id,
                utterance.speaker,
                utterance.dialogue,
                utterance.intended,
                dict(utterance.votes),
                dict(utterance.shares),
                utterance.consensus,
            ),
            clip=AskedClip(
                str(heard.audio),
                heard.start_s,
                heard.end_s,
                heard.id if control in ("clip", "swapped") else None,
                None if heard.channel is None else str(heard.channel),
            ),
            control=control,
            model=AskedModel(model.name, model.fingerprint),
            emotions=emotions,
            prompt=prompt,
            order_seed=seed,
            context_turns=context_turns,
            temperature=temperature,
            label_tokens=label_tokens,
        ),
    )


def request_key(asked: Asked, audio_digest: str, **settings: object) -> str:
    """A hash of all that an answer depends on: audio bytes, prompt, model, labels, control and settings."""
    facts = [
        asked.utterance.corpus,
        asked.utterance.id,
        audio_digest,
        asked.control,
        asked.clip.utterance,
        asked.model.fingerprint,
        asked.prompt.text,
        asked.context_turns,
        asked.prompt.format,
        asked.prompt.order,
        asked.emotions.labels,
        asked.emotions.forms,
        settings,
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def by_clip(planned: Iterable[Planned]) -> Iterator[list[Planned]]:
    """The requests on each clip together."""
    for _, group in itertools.groupby(
        planned, lambda p: (p.record.asked.utterance.corpus, p.record.asked.utterance.id)
    ):
        yield list(group)


def shards(clips: Iterable[list[Item]], size: int) -> Iterator[list[Item]]:
    """Cut the requests on clips into shards of at most `size`, where possible between clips.

    An engine shares the work of requests on one clip, so they stay together; more requests on one clip than
    fit into a shard are cut after every `size`.

    >>> list(shards([["a1", "a2"], ["b1", "b2"]], 3))
    [['a1', 'a2'], ['b1', 'b2']]
    """
    shard: list[Item] = []
    for clip in clips:
        if shard and len(shard) + len(clip) > size:
            yield shard
            shard = []
        shard += clip
        while len(shard) > size:
            yield shard[:size]
            shard = shard[size:]
    if shard:
        yield shard
