"""What services answer about the emotion of a clip, as shares of labels or as bounds of them.

Read are the answers of

- Hume's batch API (the model ``prosody``), a score for each of 48 names:
  https://dev.hume.ai/reference/expression-measurement-api/batch/get-job-predictions;
- Hume's Expression Measurement API (``expressions``), which lists only names above its cutoff:
  https://dev.hume.ai/expression-measurement/docs/scores.md;
- Behavioral Signals (the task ``emotion``), posteriors of labels:
  https://behavioralsignals.readme.io/docs/retrieve-results;
- oruk (``emotions``), which lists names that pass thresholds of their own, or the largest if none does:
  https://pypi.org/project/oruk/.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ambivox.corpora._files import read_text
from ambivox.corpora._row import parse_json
from ambivox.emotions import EmotionSet
from ambivox.errors import UsageError
from ambivox.raters.distribution import Array
from ambivox.readouts import Status
from ambivox.readouts.reading import BOUNDS_MATTER

SUM_TOLERANCE = 1e-3
"""How far scores may sum from 1 and still be the shares themselves."""


Unlisted = Literal["refused", "less", "any"]


@dataclass(frozen=True)
class _Segment:
    """Scores by name of a stretch of sound.

    Args:
        weight: how long it is.
        unlisted: what becomes of a label without a name that is listed: it is ``refused`` where a service
            lists all of its names, scores ``less`` than those that are there where these pass one cutoff, and
            may have ``any`` score where each name has a threshold of its own.
    """

    scores: Mapping[str, float]
    weight: float
    unlisted: Unlisted


@dataclass(frozen=True)
class ServiceAnswer:
    """What a service said of a clip.

    Args:
        p: shape ``(N,)``; ``nan`` where it cannot be told.
        lower, upper: shape ``(N,)``, between which each share lies.
        status: ``ok`` for shares, ``renormalised`` for scores that were divided by their sum, ``bounded``
            where a share may be off by more than `BOUNDS_MATTER`, ``undefined`` where nothing was said.
    """

    p: Array
    lower: Array
    upper: Array
    status: Status


def is_answers(path: Path) -> bool:
    """Whether a path holds answers of a service and not a table."""
    return path.is_dir() or path.suffix.lower() == ".json"


def read_answers(path: Path, emotions: EmotionSet) -> dict[str, ServiceAnswer]:
    """Utterance -> answer.

    They come from a folder with ``<utterance>.json`` for each clip, from an object of answers by utterance,
    or from one file of Hume's batch API, whose files are named as the utterances.

    Raises:
        UsageError: not JSON, an answer of no service that is known, a score that is not one, an utterance
            twice, or a label for which a service that lists all of its names has none.
    """
    found: dict[str, ServiceAnswer] = {}
    for where, name, answer in _answers(path):
        if name in found:
            raise UsageError(f"{where}: {name!r} stands there twice: keep one answer for each utterance")
        found[name] = _read(where, answer, emotions)
    if not found:
        raise UsageError(f"{path}: no answer in it: name a folder with a JSON file for each clip")
    return found


def _answers(path: Path) -> Iterator[tuple[str, str, Any]]:
    """Where each answer stands, the utterance, and the answer."""
    if path.is_dir():
        for one in sorted(path.glob("*.json")):
            yield str(one), one.stem, _json(one)
        return
    content = _json(path)
    if isinstance(content, dict):
        yield from ((f"{path}: {name}", str(name), answer) for name, answer in content.items())
        return
    for file in _find(content, "file"):
        if isinstance(file["file"], str):
            yield f"{path}: {file['file']}", Path(file["file"]).stem, file


def _json(path: Path) -> Any:
    try:
        return parse_json(read_text(path))
    except ValueError as error:
        raise UsageError(f"{path}: not JSON ({error})") from None


def _read(where: str, answer: Any, emotions: EmotionSet) -> ServiceAnswer:
    segments = list(_segments(where, answer))
    nothing = np.full(len(emotions), np.nan)
    if not segments:
        return ServiceAnswer(nothing, nothing, nothing, "undefined")
    bounds = np.array([_bounds(where, one, emotions) for one in segments])
    weights = np.array([one.weight for one in segments])
    lower, upper = np.average(bounds, axis=0, weights=weights if weights.any() else None)
    if not upper.any():
        return ServiceAnswer(nothing, nothing, nothing, "undefined")
    with np.errstate(invalid="ignore"):
        least = lower / (lower + upper.sum() - upper)
        most = upper / (upper + lower.sum() - lower)
    least, most = np.nan_to_num(least, nan=0.0), np.nan_to_num(most, nan=1.0)
    if (most - least).max() > BOUNDS_MATTER:
        return ServiceAnswer(nothing, least, most, "bounded")
    middle = (lower + upper) / 2
    shares = abs(middle.sum() - 1) <= SUM_TOLERANCE
    return ServiceAnswer(middle / middle.sum(), least, most, "ok" if shares else "renormalised")


def _bounds(where: str, segment: _Segment, emotions: EmotionSet) -> Array:
    """Shape ``(2, N)``: the least and the largest score of each label, which is that of its best name.

    (Their sum would hang on names below the cutoff even where one of them is listed.)
    """
    known: dict[int, float] = {}
    for name, score in segment.scores.items():
        label = emotions.index(name)
        if label is not None:
            known[label] = max(known.get(label, 0.0), score)
    missing = [emotions.labels[n] for n in range(len(emotions)) if n not in known]
    if missing and segment.unlisted == "refused":
        raise UsageError(
            f"{where}: no score for {', '.join(map(repr, missing))} of {emotions.name}: name an emotion set "
            "of labels that the service knows"
        )
    cutoff = min(segment.scores.values(), default=1.0) if segment.unlisted == "less" else 1.0
    lower = [known.get(n, 0.0) for n in range(len(emotions))]
    return np.array([lower, [known.get(n, cutoff) for n in range(len(emotions))]])


def _segments(where: str, answer: Any) -> Iterator[_Segment]:
    """The stretches of an answer of any service that is known."""
    if isinstance(answer, dict) and "models" in answer:
        prosody = answer["models"].get("prosody") if isinstance(answer["models"], dict) else None
        for one in _find(prosody, "emotions"):
            yield _segment(where, one, "emotions", "name", "score", "refused")
    elif found := list(_find(answer, "expressions")):
        for one in found:
            yield _segment(where, one, "expressions", "name", "probability", "less")
    elif isinstance(answer, dict) and isinstance(answer.get("results"), list):
        told = [one for one in _find(answer["results"], "prediction") if one.get("task") == "emotion"]
        whole = [one for one in told if one.get("level") == "utterance"]
        for one in whole or told:
            yield _segment(where, one, "prediction", "label", "posterior", "refused")
    elif isinstance(answer, dict) and isinstance(answer.get("emotions"), list):
        yield _segment(where, answer, "emotions", "label", "score", "any")
    else:
        raise UsageError(
            f"{where}: not an answer of Hume, Behavioral Signals or oruk: write a table of shares"
        )


def _segment(
    where: str, found: Mapping[str, Any], listed: str, name: str, score: str, unlisted: Unlisted
) -> _Segment:
    scores: dict[str, float] = {}
    for one in found[listed] if isinstance(found[listed], list) else ():
        if not isinstance(one, dict) or not isinstance(one.get(name), str):
            raise UsageError(f"{where}: {listed}: expected a list of objects with {name!r} and {score!r}")
        scores[one[name]] = _number(where, one[name], one.get(score))
    return _Segment(scores, _duration(found), unlisted)


def _number(where: str, name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not 0 <= number <= 1:
        raise UsageError(f"{where}: the score of {name!r} is {value!r}, not between 0 and 1")
    return number


_TIMES = (("begin", "end"), ("startTime", "endTime"), ("audio_start_ms", "audio_end_ms"))


def _duration(found: Mapping[str, Any]) -> float:
    """How long a stretch is, in whatever unit the service has; 1 where it does not say."""
    time = found.get("time")
    own = time if isinstance(time, dict) else found
    for start, end in _TIMES:
        try:
            return max(0.0, float(own[end]) - float(own[start]))
        except (KeyError, TypeError, ValueError):
            continue
    return 1.0


def _find(value: Any, key: str) -> Iterator[dict[str, Any]]:
    """All objects with a key, the outermost first, in their order."""
    if isinstance(value, dict):
        if key in value:
            yield value
        else:
            for inner in value.values():
                yield from _find(inner, key)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for inner in value:
            yield from _find(inner, key)
