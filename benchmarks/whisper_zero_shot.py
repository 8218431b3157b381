"""Whisper's real weights asked for emotions by the likelihood of label sentences, as in Ma et al. 2024.

    python -m benchmarks.whisper_zero_shot --data ../shared/data --out build/whisper

Studies of `ambivox run`, one per size and corpus, each gone on with where it was stopped: RAVDESS against
the emotion asked for, beside the published accuracies; then what the paper does not ask, how near the
distributions are to the votes on CREMA-D and to the recognition rates of EMO-DB. ``--every 4`` takes every
fourth clip of each speaker: a clip takes 1.5 s of a core with tiny.en and 3 s with base.

Source: Ma et al., arXiv 2311.09363.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from ambivox.audio import SAMPLE_RATE_HZ, load_audio
from ambivox.corpora import CORPORA, Corpus, CorpusLoader, Utterance, load_corpus, load_recognition_rates
from ambivox.present.text.progress import run_progress
from ambivox.run import Study, run_study
from ambivox.run_folder import Run
from ambivox.scoring import RowKey, ScoreRow, ScoringOptions, score
from benchmarks.whisper_weights import SOURCES, checkpoint

RESULTS = Path(__file__).parent / "results" / "whisper_zero_shot.json"

CALIBRATIONS = ("content-free-silence", "batch", "prior-match")
"""Silence is the paper's null input: Whisper fills every clip up with zeros to 30 s, so zeros of any length
are the same input."""

PUBLISHED = {
    "tiny.en": {"prior-match": "19.6"},
    "base": {"prior-match": "18.1"},
}
"""Accuracies in percent on all 24 actors of RAVDESS, read off the paper's figure to 0.1."""

EMODB7 = {
    "neutral": None,
    "happy": ["happiness"],
    "sad": ["sadness"],
    "angry": ["anger"],
    "fear": ["fearful"],
    "disgust": ["disgusted"],
    "boredom": ["bored"],
}

ASKED: dict[str, dict[str, Any]] = {
    "crema-d": {
        "emotions": "cremad6",
        "wordings": [{"fear": "fearful", "disgust": "disgusted"}],
        "options": {"votes": "voice"},
        "truth": {"cluster": "clip"},
    },
    "ravdess": {
        "emotions": "ravdess8",
        "wordings": [{"disgust": "disgusted"}],
        "truth": {"truth": "intended", "cluster": "speaker"},
    },
    "emo-db": {
        "emotions": "emodb7.yaml",
        "wordings": [{"fear": "fearful", "disgust": "disgusted", "boredom": "bored"}],
        "truth": {"cluster": "clip"},
    },
}
"""What is asked of each corpus, and what it is scored against. The words are adjectives, as in the paper."""


def every_nth(
    path: Path, *, corpus: str = "ravdess", every: int = 1, options: dict[str, Any] | None = None
) -> Corpus:
    """Every nth clip of each speaker, from one speaker to the next beginning one clip later.

    Clips are sorted by emotion, sentence and repetition: so all are there alike.
    """
    loaded = load_corpus(corpus, path, **(options or {}))
    speakers = groupby(loaded.utterances, key=lambda utterance: utterance.speaker)
    kept = [u for n, (_, own) in enumerate(speakers) for u in list(own)[n % every :: every]]
    if corpus == "emo-db":
        rates = load_recognition_rates(path)
        kept = [replace(u, shares=recognised(u, rates)) for u in kept if u.id in rates]
    return loaded.keep(kept)


def study_of(corpus: str, model: Path, data: Path, out: Path, every: int) -> Study:
    """The study of one model on one corpus."""
    asked = ASKED[corpus]
    if "every-nth" not in CORPORA:
        CORPORA.add("every-nth", CorpusLoader(every_nth, "some clips of each speaker"))
    options = {"corpus": corpus, "every": every, "options": asked.get("options")}
    return Study.model_validate(
        {
            "corpora": [{"name": "every-nth", "path": data / corpus, "options": options}],
            "models": [f"whisper:{model}"],
            "prompts": ["sentence"],
            "emotions": _emotions(asked["emotions"], out),
            "wordings": asked["wordings"],
            "readouts": ["sequence", "sequence(per_token=true)"],
            "controls": ["clip", "silence"],
            "calibrations": CALIBRATIONS,
            "batch_size": 64,
        }
    )


def _emotions(name: str, out: Path) -> str:
    if not name.endswith(".yaml"):
        return name
    (out / name).write_text(yaml.safe_dump(EMODB7, sort_keys=False), encoding="utf-8")
    return str(out / name)


def scored(run: Run, corpus: str, data: Path) -> dict[str, Any]:
    """The scores of a run, as they are written to the results."""
    metrics = ("accuracy",) if corpus == "ravdess" else ("jsd_bits", "accuracy")
    table = score(run, ScoringOptions(metrics=metrics, **ASKED[corpus]["truth"]))
    rows = [row for row in table.rows if isinstance(row.key, RowKey) and row.of_clips]
    return {
        "clips": max(row.utterances for row in rows),
        "speakers": len({record.asked.utterance.speaker for record in run.records()}),
        "clusters": table.cluster,
        "written_down": written_down(run, load_corpus(corpus, data / corpus)),
        "rows": [_row(row, metrics) for row in rows],
        "controls": [
            {"control": row.key.control} | _scores(row, metrics)
            for row in table.rows
            if not isinstance(row.key, RowKey)
        ],
    }


def written_down(run: Run, corpus: Corpus) -> float:
    """The share of clips whose transcript has the words of the corpus: few, if a checkpoint is not whole."""
    said = {utterance.id: _words(utterance.transcript or "") for utterance in corpus}
    heard = [record for record in run.records() if record.asked.control == "clip" and record.reply]
    return sum(_words(r.replied.text) == said[r.asked.utterance.id] for r in heard) / len(heard)


def beside_plain(run: Run, checkpoint: Path, n: int = 3) -> float:
    """The largest difference of a kept log-probability to one by transformers alone, in nats.

    Its own tokenizer writes the start of the transcript, and each sentence goes through the decoder alone.
    """
    import torch
    from transformers import WhisperForConditionalGeneration, WhisperProcessor

    model = WhisperForConditionalGeneration.from_pretrained(checkpoint, dtype=torch.float32).eval()
    processor = WhisperProcessor.from_pretrained(checkpoint)
    tokenizer, end = processor.tokenizer, model.generation_config.eos_token_id
    if model.generation_config.is_multilingual:
        tokenizer.set_prefix_tokens(language="english", task="transcribe", predict_timestamps=False)
    heard = [r for r in run.records() if r.asked.control == "clip" and r.reply]
    apart = []
    for record in heard[:: max(1, len(heard) // n)][:n]:
        sound = processor.feature_extractor(
            load_audio(record.asked.clip.path), sampling_rate=SAMPLE_RATE_HZ, return_tensors="pt"
        )
        label_tokens, logp = record.asked.label_tokens, record.replied.sequence_logp
        assert logp is not None
        kept = [value for value, offered in zip(logp, label_tokens.offered, strict=True) if offered]
        for forms, value in zip(record.asked.prompt.answers, kept, strict=True):
            words = tokenizer(forms[0], add_special_tokens=False).input_ids
            given = torch.tensor([[*tokenizer.prefix_tokens, *words]])
            with torch.inference_mode():
                logits = model(input_features=sound.input_features, decoder_input_ids=given).logits[0]
            follow = torch.tensor([*words, end])
            steps = logits[-len(follow) :].log_softmax(dim=1).gather(1, follow[:, None])
            apart.append(abs(float(steps.sum()) - value))
    return max(apart)


def _words(text: str) -> list[str]:
    return re.findall(r"[\w']+", text.casefold())


def recognised(utterance: Utterance, rates: Mapping[str, float]) -> dict[str, float]:
    """The shares of an EMO-DB clip: of the listeners who recognised the emotion. What the others said was not
    published, and is spread over the other labels.
    """
    rate = rates[utterance.id]
    rest = (1 - rate) / (len(EMODB7) - 1)
    return {label: rate if label == utterance.intended else rest for label in EMODB7}


def _row(row: ScoreRow, metrics: Iterable[str]) -> dict[str, Any]:
    assert isinstance(row.key, RowKey)
    facts = {"per_token": bool(row.key.options), "calibration": row.key.calibration or "none"}
    return facts | _scores(row, metrics)


def _scores(row: ScoreRow, metrics: Iterable[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for metric in metrics:
        skill = row.skill_intervals.get(metric)
        found[metric] = _ends(row.value(metric), row.intervals.get(metric))
        if skill is not None:
            found[f"{metric}_skill"] = _ends(skill.estimate, skill)
    return found


def _ends(value: float | None, interval: Any) -> list[float | None]:
    if value is None or interval is None or interval.reason:
        return [value, None, None]
    return [value, interval.low, interval.high]


_TITLES = {
    "ravdess": "RAVDESS: accuracy in percent against the emotion asked for, 8 labels",
    "crema-d": "CREMA-D: distance to the votes, 6 labels",
    "emo-db": "EMO-DB: distance to the recognition rates, 7 labels",
}
_NAMES = {
    "none": "uncalibrated",
    "content-free-silence": "null input (silence)",
    "batch": "batch (one step of the next)",
    "prior-match": "prior-matched",
}


def page(results: dict[str, Any]) -> str:
    """The results as tables, in Markdown."""
    lines: list[str] = []
    for corpus, title in _TITLES.items():
        found = {size: own[corpus] for size, own in results.items() if corpus in own}
        if not found:
            continue
        lines += [f"# {title}", ""]
        for size, own in found.items():
            every = "" if own["every"] == 1 else f", every {own['every']}th of each speaker"
            right = f"{100 * own['written_down']:.0f}% of them written down word for word"
            clips = f"{own['clips']} clips"
            if "speakers" in own:
                clips += f" of {own['speakers']} speakers"
            plain = ""
            if "apart_nats" in own:
                plain = f", log-probabilities within {own['apart_nats']:.0e} nats of transformers alone"
            lines.append(f"- {size}: {clips}{every}, {right}{plain}; intervals over {own['clusters']}s")
        table = _accuracies if corpus == "ravdess" else _distances
        lines += ["", *table(found), ""]
    return "\n".join(lines)


def _accuracies(found: dict[str, Any]) -> list[str]:
    lines = ["| model | calibration | accuracy | per token | published, 24 actors |", "|---|---|---|---|---|"]
    for size, own in found.items():
        for calibration, name in _NAMES.items():
            whole, single = (_find(own, calibration, per_token)["accuracy"] for per_token in (False, True))
            published = PUBLISHED[size].get(calibration, "")
            lines.append(f"| {size} | {name} | {_shown(whole, 100)} | {_shown(single, 100)} | {published} |")
    return lines


def _distances(found: dict[str, Any]) -> list[str]:
    lines = ["| model | calibration | jsd_bits | skill | jsd_bits per token |", "|---|---|---|---|---|"]
    for size, own in found.items():
        for calibration, name in _NAMES.items():
            whole, single = (_find(own, calibration, per_token) for per_token in (False, True))
            cells = (whole["jsd_bits"], whole.get("jsd_bits_skill"), single["jsd_bits"])
            lines.append(f"| {size} | {name} | {' | '.join(map(_shown, cells))} |")
        for control in own["controls"]:
            lines.append(f"| no model | {control['control']} | {_shown(control['jsd_bits'])} | | |")
    return lines


def _find(own: dict[str, Any], calibration: str, per_token: bool) -> dict[str, Any]:
    rows = (r for r in own["rows"] if (r["calibration"], r["per_token"]) == (calibration, per_token))
    return next(rows, {"accuracy": None, "jsd_bits": None})


def _shown(ends: list[float | None] | None, times: float = 1) -> str:
    if ends is None or ends[0] is None:
        return "–"
    digits = 1 if times == 100 else 3
    value, *interval = (None if end is None else f"{times * end:.{digits}f}" for end in ends)
    return str(value) if None in interval else f"{value} [{', '.join(map(str, interval))}]"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="holds ravdess, crema-d and emo-db")
    parser.add_argument("--out", type=Path, required=True, help="checkpoints and runs")
    parser.add_argument("--size", action="append", choices=SOURCES, help="all by default")
    parser.add_argument("--corpus", action="append", choices=ASKED, help="all by default")
    parser.add_argument("--every", type=int, default=1, help="take every Nth clip of each speaker")
    parser.add_argument("--partial", action="store_true", help="ask nothing, score what was asked so far")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    data, out = options.data.resolve(), options.out.resolve()
    for size in options.size or SOURCES:
        model = checkpoint(size, out)
        for corpus in options.corpus or ASKED:
            every = 1 if corpus == "crema-d" else options.every
            run = Run(out / f"{size}-{corpus}-{every}", partial=options.partial)
            if not options.partial:
                with run_progress(Console(stderr=True)) as bar:
                    run_study(study_of(corpus, model, data, out, every), run.folder, report=bar)
            found = {"every": every} | scored(run, corpus, data)
            if corpus == "ravdess":
                found["apart_nats"] = beside_plain(run, model)
            kept = json.loads(options.results.read_text()) if options.results.exists() else {}
            kept.setdefault(size, {})[corpus] = found
            options.results.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
            options.results.with_suffix(".md").write_text(page(kept), encoding="utf-8")


if __name__ == "__main__":
    main()
