"""What `mini` shows of the field's claims: CREMA-D clips with votes, held-out speakers of RAVDESS and EMO-DB.

``python -m benchmarks.mini_claims --data DIR --out DIR [--clips 12]`` runs all prompts with permuted
options and all controls, and prints ``ambivox claims`` for each corpus (a run that is there is gone on
with, or only read). RAVDESS and EMO-DB have no raters: the emotion that the actor was asked for counts as
one vote, so claims about ambiguity are not tested there.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from recipes.mini.data import TEST_SPEAKERS
from rich.console import Console

from ambivox.choices import Cluster
from ambivox.corpora import CORPORA, Corpus, CorpusLoader, Utterance, load_corpus
from ambivox.emotions import load_emotions
from ambivox.field_claims import claims as claims_of
from ambivox.field_claims.hearing import HEARING_CONTROLS
from ambivox.present.text.claims import show_claims
from ambivox.present.text.progress import run_progress
from ambivox.prompts import PROMPTS
from ambivox.run import Study, run_study
from ambivox.scoring import ScoringOptions

RESULTS = Path(__file__).parent / "results" / "mini_claims.json"
CLUSTERS: tuple[Cluster, ...] = ("speaker", "clip")


def held_out(path: Path, *, corpus: str, clips: int | None = None) -> Corpus:
    """The test speakers of an acted corpus, what they were asked for as their one vote, six emotions.

    `clips` of each speaker are kept, evenly over the sorted list, so that all emotions stay.
    """
    loaded, emotions = load_corpus(corpus, path), load_emotions("cremad6")
    by_speaker: dict[str, list[Utterance]] = defaultdict(list)
    for utterance in loaded:
        known = utterance.intended is not None and emotions.index(utterance.intended) is not None
        if known and utterance.speaker in TEST_SPEAKERS[corpus]:
            asked = replace(utterance, votes={str(utterance.intended): 1})
            by_speaker[str(utterance.speaker)].append(asked)
    return loaded.keep([u for own in by_speaker.values() for u in evenly(own, clips)])


def evenly(utterances: list[Utterance], n: int | None) -> Iterable[Utterance]:
    if n is None or n >= len(utterances):
        return utterances
    return [utterances[i * len(utterances) // n] for i in range(n)]


def studies(data: Path, model: str, clips: int | None, orders: int) -> dict[str, Study]:
    """One study for each corpus."""
    shared: dict[str, Any] = {
        "models": [model],
        "prompts": list(PROMPTS),
        "controls": ["clip", *HEARING_CONTROLS],
        "order_seeds": [None, *range(1, orders)],
        "batch_size": 144,  # two clips with three orders: the engine shares work among the prompts on a clip
        "shard_size": 288,
    }
    corpora = {"crema-d": {"name": "crema-d", "path": data / "crema-d", "options": {"votes": "voice"}}}
    for name in TEST_SPEAKERS:
        CORPORA.add(f"held-out-{name}", CorpusLoader(partial(held_out, corpus=name), "test speakers"))
        corpora[name] = {"name": f"held-out-{name}", "path": data / name, "options": {"clips": clips}}
    return {name: Study.model_validate({"corpora": [corpus]} | shared) for name, corpus in corpora.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="holds crema-d, ravdess and emo-db")
    parser.add_argument("--out", type=Path, required=True, help="the runs")
    parser.add_argument("--model", default="mini")
    parser.add_argument("--clips", type=int, help="of each held-out speaker; all by default")
    parser.add_argument("--orders", type=int, default=3, help="orders of the options")
    arguments = parser.parse_args()
    console, results = Console(width=110, highlight=False), {}
    planned = studies(arguments.data.resolve(), arguments.model, arguments.clips, arguments.orders)
    for name, study in planned.items():
        with run_progress(Console(stderr=True)) as bar:
            run = run_study(study, arguments.out / name, report=bar)
        for cluster in CLUSTERS:
            options = ScoringOptions(cluster=cluster)
            found = claims_of(run, options, n_processes=os.cpu_count() or 1)
            console.rule(f"ambivox claims {name} --cluster {cluster}")
            show_claims(console, found)
            results[f"{name}, {cluster}"] = found.to_dict()["corpora"]
    report = {"clips_of_a_held_out_speaker": arguments.clips, "orders": arguments.orders, "claims": results}
    RESULTS.write_text(json.dumps(report) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
