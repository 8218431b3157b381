"""Search for a better `mini`: train candidates, score each on the development speakers, write log and table.

    python -m benchmarks.mini_search --data ../shared/data --work runs/mini-search [--only NAME ...]

A candidate is the plan of one stage, changed in one or two things; stages that it does not change are shared
with the candidate `script`, which is what `python -m recipes.mini.make` runs. Those of the encoder are
compared by what a linear head hears, those of the language model by what the whole model answers. Test
speakers are never heard here. `--scale 0.01` tries the script.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from recipes.mini.asking import Mini, sums_to_one
from recipes.mini.ear import ROUGH, changed
from recipes.mini.encoder import HeadPlan, fit_head, hear, new_encoder, pooled, scores_of
from recipes.mini.evaluate import ask_all
from recipes.mini.follow import STUDIO, FollowPlan, make_lessons
from recipes.mini.joint import JointPlan
from recipes.mini.make import Plans, Stages, prepare

from ambivox.audio import load_audio
from ambivox.emotions import emotion_sets, load_emotions

SEED = 0
Scores = dict[str, float]


SCRIPT = Plans()
HEARING = {
    "script": SCRIPT,
    "in the studio": replace(SCRIPT, follow=FollowPlan(epochs=60, how=STUDIO)),
    "third of the epochs": replace(SCRIPT, follow=FollowPlan(epochs=30)),
    "hardly followed": replace(SCRIPT, follow=FollowPlan(epochs=2)),
    **{f"ridge {ridge}": replace(SCRIPT, head=HeadPlan(ridge=ridge)) for ridge in (0.02, 0.08, 0.16)},
    "one speed": replace(SCRIPT, head=HeadPlan(speeds=1)),
    "one speed, ridge 0.08": replace(SCRIPT, head=HeadPlan(ridge=0.08, speeds=1)),
    "no silence": replace(SCRIPT, head=HeadPlan(empty=0.0)),
}
"""Other encoders and heads, compared after stage 2."""
ANSWERING = {
    "script": SCRIPT,
    "gentler": replace(SCRIPT, joint=replace(JointPlan(), learning_rate=4e-4)),
    "full trust": replace(SCRIPT, joint=replace(JointPlan(), trust=1.0)),
    "nothing rough": replace(SCRIPT, joint=replace(JointPlan(), rough=0.0)),
}
"""Other language models, compared after stage 4."""


def scaled(plans: Plans, scale: float) -> Plans:
    """The same with shorter stages, to try the script out."""

    def shorter(count: int) -> int:
        return max(2, round(scale * count))

    return Plans(
        replace(plans.follow, epochs=shorter(plans.follow.epochs)),
        plans.head,
        replace(plans.answers, steps=shorter(plans.answers.steps)),
        replace(plans.joint, steps=shorter(plans.joint.steps)),
    )


def heard(stages: Stages, plans: Plans) -> Scores:
    """Stages 1 and 2: what the head makes of the development clips, as they are and of rough copies.

    The score to select by is the mean of those of the two.
    """
    encoder, material = new_encoder(dropout=0.0), stages.material
    encoder.load_state_dict(stages.follower(plans.follow)["encoder"])
    head = hear(encoder, material, plans.head)
    plain = [material.bank.mels[k][0] for k in material.development]
    rough = changed(material, material.development, ROUGH, np.random.default_rng(SEED))
    with torch.no_grad():
        found = [scores_of(head(pooled(encoder, mels)), material) for mels in (plain, rough)]
    both = float(np.mean([scores["score"] for scores in found]))
    return {**found[0], **{f"rough {name}": value for name, value in found[1].items()}, "score": both}


def teacher(stages: Stages, plan: HeadPlan) -> Scores:
    """What the same head makes of the teacher's own states."""
    material = stages.material
    lessons = make_lessons(material, stages.work)
    states = torch.tensor(np.array([clip[0].astype(np.float32).mean(0) for clip in lessons]))
    nothing = torch.empty(0, states.shape[1])
    head = fit_head(states[material.train], nothing, material.hard[material.train], plan)
    with torch.no_grad():
        return scores_of(head(states[material.development]), material)


def answered(stages: Stages, plans: Plans) -> Scores:
    """All stages: the development scores of the whole model, and how its numbers add up.

    Sums: the share of the answers in numbers, on all development clips, that sum to one, by prompt.
    """
    joint, folder = stages.joint(plans), stages.file("joint", plans).with_suffix("")
    stages.save(joint["model"], folder)
    mini, rng = Mini(folder), np.random.default_rng(SEED)
    clips = [stages.material.clips[k] for k in stages.material.development]
    waves = {clip.id: load_audio(clip.path) for clip in clips}
    scores: Scores = dict(joint["scores"])
    for prompt in ("dictionary", "percentages"):
        sets = [load_emotions(str(rng.choice(emotion_sets()))) for _ in clips]
        asked = ask_all(mini, prompt, clips, waves, sets, SEED)
        scores[f"{prompt} sums"] = float(np.mean([sums_to_one(one) for one in asked]))
    return scores


def table(found: dict[str, Scores]) -> str:
    """Development scores as Markdown, best first."""
    columns = list(next(iter(found.values())))
    lines = [f"| candidate | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for name, scores in sorted(found.items(), key=lambda item: -item[1]["score"]):
        lines.append(f"| {name} | {' | '.join(f'{scores[c]:.3f}' for c in columns)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Read the command line, train, print and write the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("runs/mini-search"))
    parser.add_argument("--only", nargs="*", choices=sorted(HEARING | ANSWERING), help="these candidates")
    parser.add_argument("--stage", choices=("hearing", "answering"), help="only this half")
    parser.add_argument("--scale", type=float, default=1.0, help="of the length of every stage")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    stages = prepare(given.data, given.work, SEED)
    if given.stage != "answering":
        print(f"the teacher itself: {teacher(stages, HeadPlan(empty=0.0))}", flush=True)
    for stage, candidates in (("hearing", HEARING), ("answering", ANSWERING)):
        if given.stage not in (None, stage):
            continue
        found: dict[str, Scores] = {}
        for name, candidate in candidates.items():
            if given.only and name not in given.only:
                continue
            print(f"== {stage}: {name}", flush=True)
            plans, begun = scaled(candidate, given.scale), time.monotonic()
            scores = heard(stages, plans) if stage == "hearing" else answered(stages, plans)
            found[name] = {**scores, "minutes": (time.monotonic() - begun) / 60}
            (given.work / f"{stage}.md").write_text(table(found), encoding="utf-8")
        if found:
            print(table(found), flush=True)


if __name__ == "__main__":
    main()
