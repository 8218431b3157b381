"""Measure a saved checkpoint as a user would load it; write ``metrics.json`` and the card beside it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, bootstrap

from ambivox.audio import load_audio
from ambivox.emotions import EmotionSet, emotion_sets, load_emotions
from ambivox.metrics import ece
from ambivox.models import Request
from ambivox.prompts.prompt import load_prompt
from ambivox.scoring import RowKey, ScoringOptions
from ambivox.scoring.predictions import Predictions, rated_clips, score_predictions
from recipes.mini.asking import Asked, Bundled, Mini, Wave, in_format, named, numbers, sums_to_one
from recipes.mini.card import write_card
from recipes.mini.chat import random_emotions
from recipes.mini.data import Clip, load_clips
from recipes.mini.ear import Unseen
from recipes.mini.recordings import in_a_noisy_room, music
from recipes.mini.targets import VOTED, VoteTable

Array = NDArray[np.float64]
Interval = dict[str, Any]


def share(hits: int, n: int) -> Interval:
    """A share with its 95% Wilson interval."""
    found = binomtest(hits, n).proportion_ci(method="wilson")
    ends = {"low": float(found.low), "high": float(found.high)}
    return {"value": hits / n, **ends, "n": n, "interval": "wilson"}


def mean(values: Array, seed: int) -> Interval:
    """A mean with its 95% percentile bootstrap over clips (10,000 draws)."""
    drawn = bootstrap((values,), np.mean, n_resamples=10_000, method="percentile", rng=seed)
    ends = {"low": float(drawn.confidence_interval.low), "high": float(drawn.confidence_interval.high)}
    return {"value": float(values.mean()), **ends, "n": len(values), "interval": "bootstrap over clips"}


def measure(folder: Path, data: Path, *, seed: int, trained: dict[str, Any]) -> dict[str, Any]:
    """Everything the model card states; written to ``metrics.json`` and ``README.md`` in ``folder``.

    Args:
        trained: what the training knows of itself: the ``temperature`` and the figures of ``unseen`` corpora.
    """
    mini = Bundled(folder)
    clips = load_clips(data)
    votes = VoteTable(data)
    waves = {clip.id: load_audio(clip.path) for clip in clips if clip.split != "train"}
    answers = {split: ask_six(mini, clips, waves, split, seed) for split in ("development", "test", "votes")}
    metrics: dict[str, Any] = {
        "seed": seed,
        **trained,
        "load_s": round(mini.load_s, 2),
        "parameters": sum(p.numel() for p in mini.model.parameters()),
        "megabytes": round(sum(f.stat().st_size for f in folder.iterdir() if f.is_file()) / 1e6, 2),
        "splits": _splits(clips),
        "accuracy": {
            f"{split}/{corpus}": _accuracy(mini, answers[split], corpus)
            for split in ("development", "test")
            for corpus in ("ravdess", "emo-db")
        },
        "crema-d": _votes(mini, answers["votes"], votes, seed),
        "formats": _formats(mini, clips, waves, seed),
        "own_options": _own_options(mini, clips, waves, seed),
        "distinct": _distinct(mini, clips, waves),
        "calibration": {split: _calibration(mini, six, votes) for split, six in answers.items()},
        "elsewhere": _elsewhere(mini, answers["test"], waves, seed),
        "audio_matters": _audio_matters(mini, clips, waves, seed),
        "batch": _batch(Mini(folder), clips, waves),
        "answer_s": _answer_s(mini, [waves[clip.id] for clip in clips if clip.split == "test"][::20]),
    }
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
    write_card(folder, metrics)
    return metrics


FOUR = [VOTED.index(label) for label in ("angry", "happy", "neutral", "sad")]


def unseen_figures(unseen: Unseen, temperature: float) -> dict[str, Any]:
    """How right and how sure the head is of a corpus that it was not fitted to."""
    p, meant = unseen.over_six(temperature)
    four = np.isin(meant, FOUR)
    best = np.array(FOUR)[p[four][:, FOUR].argmax(1)]
    return {
        "six": share(int((p.argmax(1) == meant).sum()), len(meant)),
        "four": share(int((best == meant[four]).sum()), int(four.sum())),
        "largest": float(p.max(1).mean()),
        "vote_ece": float(ece(p, np.eye(len(VOTED))[meant], n_bins=10, target="votes")),
        "nats": float(-np.log(p[np.arange(len(meant)), meant]).mean()),
        "neutral": share(int((p.argmax(1) == VOTED.index("neutral")).sum()), len(meant)),
    }


def _splits(clips: Sequence[Clip]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for clip in clips:
        entry = found.setdefault(clip.split, {}).setdefault(clip.corpus, {"clips": 0, "speakers": []})
        entry["clips"] += 1
        if clip.speaker not in entry["speakers"]:
            entry["speakers"].append(clip.speaker)
    return found


def ask_all(
    mini: Mini,
    name: str,
    clips: Sequence[Clip],
    waves: dict[str, Wave],
    sets: Sequence[EmotionSet],
    seed: int,
) -> list[Asked]:
    """The prompt of that name for every clip with its set, the options in an order of its own."""
    rng = np.random.default_rng(seed)
    prompts = [load_prompt(name).render(e, order=rng.permutation(len(e)).tolist()) for e in sets]
    return mini.ask(prompts, sets, [waves[clip.id] for clip in clips])


@dataclass(frozen=True)
class Six:
    """What was answered on clips of the six emotions with these as options, by prompt."""

    clips: list[Clip]
    asked: dict[str, list[Asked]]


def ask_six(mini: Mini, clips: Sequence[Clip], waves: dict[str, Wave], split: str, seed: int) -> Six:
    """Ask about the clips of a split that were meant as one of the six, options in an order of their own."""
    chosen = [clip for clip in clips if clip.split == split and clip.emotion in VOTED]
    sets = [load_emotions("cremad6")] * len(chosen)
    prompts = ("word", "letter", "dictionary", "percentages")
    return Six(chosen, {name: ask_all(mini, name, chosen, waves, sets, seed) for name in prompts})


def _accuracy(mini: Mini, six: Six, corpus: str) -> dict[str, Interval]:
    here = [n for n, clip in enumerate(six.clips) if clip.corpus == corpus]
    truth = [VOTED.index(six.clips[n].emotion) for n in here]
    found: dict[str, Interval] = {}
    for name, answers in six.asked.items():
        asked = [answers[n] for n in here]
        if name in ("word", "letter"):
            picked = [int(mini.shares(a).argmax()) for a in asked]
            found[f"token_{name}"] = share(_agree(picked, truth), len(truth))
            found[f"text_{name}"] = share(_agree([named(a) for a in asked], truth), len(truth))
        else:
            shares = [numbers(a) for a in asked]
            best = [None if p is None else int(p.argmax()) for p in shares]
            found[f"text_{name}"] = share(_agree(best, truth), len(truth))
    return found


def _agree(picked: Sequence[int | None], truth: Sequence[int]) -> int:
    return sum(p == t for p, t in zip(picked, truth, strict=True))


def _votes(mini: Mini, six: Six, votes: VoteTable, seed: int) -> dict[str, Any]:
    chosen = six.clips
    counts = np.array([votes.of_clip[clip.path.stem] for clip in chosen])
    human = counts / counts.sum(axis=1, keepdims=True)
    answers: dict[str, Array] = {
        "uniform": np.full_like(human, 1 / 6),
        "vote_prior": np.tile(votes.prior(), (len(chosen), 1)),
    }
    for name, asked in six.asked.items():
        if name in ("word", "letter"):
            answers[f"token_{name}"] = np.array([mini.shares(a) for a in asked])
        else:
            parsed = [numbers(a) for a in asked]
            answers[f"text_{name}"] = np.array([np.full(6, 1 / 6) if p is None else p for p in parsed])
    found: dict[str, Any] = {"jsd_bits": {}, "prior": votes.prior().round(4).tolist(), "clips": []}
    names = [clip.id for clip in chosen]
    rated, _ = rated_clips(
        names, [clip.speaker for clip in chosen], counts, human, corpus="crema-d", cluster="clip",
        prior=votes.prior(),
    )  # fmt: skip
    predictions = [
        Predictions(RowKey("crema-d", "mini", prompt=name), "token", p, tuple("ok" for _ in p))
        for name, p in answers.items()
    ]
    rows = score_predictions(predictions, rated, load_emotions("cremad6"), ScoringOptions(seed=seed))
    for name, row in zip(answers, rows[-len(answers) :], strict=True):
        interval = row.intervals["jsd_bits"]
        found["jsd_bits"][name] = {
            "value": interval.estimate, "low": interval.low, "high": interval.high,
            "n": len(chosen), "interval": "bootstrap-t over clips",
        }  # fmt: skip
    plurality = [set(np.flatnonzero(row == row.max())) for row in counts]
    hits = sum(int(p.argmax()) in best for p, best in zip(answers["token_word"], plurality, strict=True))
    found["plurality_named"] = share(hits, len(chosen))
    for clip, p, q in zip(chosen, answers["token_word"], human, strict=True):
        found["clips"].append(
            {"clip": clip.path.stem, "mini": p.round(3).tolist(), "votes": q.round(3).tolist()}
        )
    return found


def _formats(mini: Mini, clips: Sequence[Clip], waves: dict[str, Wave], seed: int) -> dict[str, Interval]:
    chosen = [clip for clip in clips if clip.split == "test"]
    found = {}
    for name in ("word", "letter", "dictionary", "percentages", "ranked", "free"):
        rng = np.random.default_rng(seed + 1)
        some = chosen if name in ("word", "letter") else chosen[::2] if name == "dictionary" else chosen[::3]
        asked = ask_all(
            mini, name, some, waves, [load_emotions(str(rng.choice(emotion_sets()))) for _ in some], seed
        )
        found[name] = share(sum(in_format(a) for a in asked), len(asked))
        if name in ("dictionary", "percentages"):
            found[f"{name}, summing to one"] = share(sum(sums_to_one(a) for a in asked), len(asked))
        wrong = [a.text for a in asked if not in_format(a)][:3]
        if wrong:
            print(f"{name}: not in format, for example {wrong}", flush=True)
    return found


def _own_options(
    mini: Mini, clips: Sequence[Clip], waves: dict[str, Wave], seed: int
) -> dict[str, dict[str, Any]]:
    """How much probability the options get, and how often one is written, with a user's own options."""
    chosen = [clip for clip in clips if clip.split == "test"][::2]
    found: dict[str, dict[str, Any]] = {}
    for name in ("word", "letter"):
        rng = np.random.default_rng(seed)
        drawn = [(clip, random_emotions(rng)) for clip in chosen]
        own = [(clip, emotions) for clip, emotions in drawn if emotions.name == "random"]
        asked = ask_all(mini, name, [clip for clip, _ in own], waves, [e for _, e in own], seed)
        found[name] = {
            "mass": mean(np.array([mini.mass(a) for a in asked]), seed),
            "named": share(sum(named(a) is not None for a in asked), len(asked)),
        }
    return found


def _distinct(mini: Mini, clips: Sequence[Clip], waves: dict[str, Wave]) -> dict[str, Any]:
    """How many different answers one prompt, the same for every clip, draws from the clips of a corpus."""
    found: dict[str, Any] = {}
    emotions = load_emotions("cremad6")
    for split, every in (("test", 5), ("votes", 1)):
        chosen = [clip for clip in clips if clip.split == split][::every]
        for name in ("word", "letter", "dictionary", "percentages", "ranked", "free"):
            prompt = load_prompt(name).render(emotions)
            asked = mini.ask([prompt] * len(chosen), [emotions] * len(chosen), [waves[c.id] for c in chosen])
            texts = [a.text for a in asked]
            most = max(texts.count(text) for text in set(texts))
            found.setdefault(split, {})[name] = {
                "n": len(texts), "distinct": len(set(texts)), "most_frequent": most,
            }  # fmt: skip
    return found


def _calibration(mini: Mini, six: Six, votes: VoteTable) -> dict[str, Any]:
    """Vote-ECE (10 bins) of the word prompt's token level and of the dictionaries that can be read.

    RAVDESS and EMO-DB have no votes: the intended emotion counts as that of a single rater.
    """
    counts = [
        votes.of_clip[c.path.stem] if c.split == "votes" else np.eye(6)[VOTED.index(c.emotion)]
        for c in six.clips
    ]
    truth = np.array([row / row.sum() for row in counts])
    words = np.array([mini.shares(a) for a in six.asked["word"]])
    written = [numbers(a) for a in six.asked["dictionary"]]
    read = [n for n, p in enumerate(written) if p is not None]
    shares = np.array([written[n] for n in read])
    return {
        "n": len(six.clips),
        "token_word": float(ece(words, truth, n_bins=10, target="votes")),
        "text_dictionary": float(ece(shares, truth[read], n_bins=10, target="votes")),
    }


def _elsewhere(mini: Mini, six: Six, waves: dict[str, Wave], seed: int) -> dict[str, Any]:
    """How often the word of the token level is right, how sure it is, and how often it is neutral: as
    recorded, and in a noisy room.
    """
    truth = [VOTED.index(clip.emotion) for clip in six.clips]
    rng = np.random.default_rng(seed)
    rooms = {clip.id: in_a_noisy_room(waves[clip.id], rng) for clip in six.clips}
    noisy = ask_all(mini, "word", six.clips, rooms, [load_emotions("cremad6")] * len(six.clips), seed)
    neutral = VOTED.index("neutral")
    found: dict[str, Any] = {"meant neutral": share(truth.count(neutral), len(truth))}
    for name, asked in (("as recorded", six.asked["word"]), ("in a noisy room", noisy)):
        shares = np.array([mini.shares(a) for a in asked])
        picked = [int(p.argmax()) for p in shares]
        found[name] = {
            "accuracy": share(_agree(picked, truth), len(truth)),
            "largest": mean(shares.max(axis=1), seed),
            "neutral": share(picked.count(neutral), len(truth)),
        }
    return found


def _audio_matters(mini: Mini, clips: Sequence[Clip], waves: dict[str, Wave], seed: int) -> dict[str, Any]:
    """Mean answers (word prompt, token level, six emotions) to speech, silence, noise and music."""
    speech = [waves[clip.id] for clip in clips if clip.split == "test"][::20]
    rng = np.random.default_rng(seed)
    emotions = load_emotions("cremad6")
    prompt = load_prompt("word").render(emotions)
    found: dict[str, Any] = {}
    silence = [np.zeros_like(wave) for wave in speech]
    noise = [(0.01 * rng.normal(size=wave.shape)).astype(np.float32) for wave in speech]
    tunes = [music(len(wave), rng) for wave in speech]
    loud = [(0.1 * tune / np.abs(tune).max()).astype(np.float32) for tune in tunes]
    for name, group in (("speech", speech), ("silence", silence), ("noise", noise), ("music", loud)):
        asked = mini.ask([prompt] * len(group), [emotions] * len(group), group)
        found[name] = np.mean([mini.shares(a) for a in asked], axis=0).round(4).tolist()
        if name == "speech":
            each = np.array([mini.shares(a) for a in asked])
            found["spread_of_speech"] = float(np.abs(each - each.mean(axis=0)).sum(axis=1).mean() / 2)
    return found


def _batch(mini: Mini, clips: Sequence[Clip], waves: dict[str, Wave]) -> dict[str, float]:
    """Largest difference in any first-token probability between a batch of eight and eight singles."""
    speech = [waves[clip.id] for clip in clips if clip.split == "test"][::40][:8]
    sets = [load_emotions(name) for name in ("cremad6", "ravdess8")] * 4
    prompts = [load_prompt("word").render(e) for e in sets]
    together = mini.ask(prompts, sets, speech)
    alone = [mini.ask([p], [e], [w])[0] for p, e, w in zip(prompts, sets, speech, strict=True)]
    gaps = [np.abs(np.exp(a.first) - np.exp(b.first)).max() for a, b in zip(together, alone, strict=True)]
    return {"largest_difference": float(max(gaps))}


def _answer_s(mini: Bundled, waves: Sequence[Wave]) -> float:
    """Median time of one clip with the word prompt after the first, in seconds."""
    prompt = load_prompt("word").render(load_emotions("cremad6"))
    label_tokens = mini.engine.label_tokens(prompt.answers)
    replies = [mini.engine.generate([Request(wave, prompt, label_tokens)])[0] for wave in waves]
    return round(float(np.median([reply.time_s for reply in replies[1:]])), 3)


def main() -> None:
    """Measure a checkpoint that is already there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    metrics_file = given.model / "metrics.json"
    known = json.loads(metrics_file.read_text(encoding="utf-8")) if metrics_file.exists() else {}
    told = ("temperature", "unseen", "began", "counted", "took_s")
    trained = {name: known[name] for name in told if name in known}
    measure(given.model, given.data, seed=given.seed, trained=trained)


if __name__ == "__main__":
    main()
