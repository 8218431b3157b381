"""Search for a better `mini`: train candidates, score each on the development speakers, write log and table.

    python -m benchmarks.mini_search --data ../shared/data --work runs/mini-search [--only NAME ...]

A candidate is the plan of one stage, changed in one thing; stages that it does not change are shared with the
candidate `script`, which is what `python -m ambivox.training.mini` runs. Those of the encoder are compared by
what a linear head hears, those of the language model by what the whole model answers. Test speakers are never
heard here. `--scale 0.01` tries the script.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ambivox.audio import load_audio
from ambivox.emotions import emotion_sets, load_emotions
from ambivox.training.asking import Mini, sums_to_one
from ambivox.training.checkpoint import build_model, build_processor, save
from ambivox.training.decoder import AnswersPlan, PromptPool, train_answers
from ambivox.training.ear import ROUGH, changed
from ambivox.training.encoder import HeadPlan, fit_head, hear, new_encoder, pooled, scores_of
from ambivox.training.encoding import Encoding
from ambivox.training.evaluate import ask_all
from ambivox.training.follow import STUDIO, FollowPlan, make_lessons, train_follower
from ambivox.training.joint import JointPlan, assemble, train_joint
from ambivox.training.material import Material
from ambivox.training.mini import prepare
from ambivox.training.targets import vote_matrix

SEED = 0
Scores = dict[str, float]


@dataclass(frozen=True)
class Candidate:
    """The plans of the four stages."""

    follow: FollowPlan = field(default_factory=FollowPlan)
    head: HeadPlan = field(default_factory=HeadPlan)
    answers: AnswersPlan = field(default_factory=AnswersPlan)
    joint: JointPlan = field(default_factory=JointPlan)

    def scaled(self, scale: float) -> Candidate:
        """The same with shorter stages, to try the script out."""

        def shorter(count: int) -> int:
            return max(2, round(scale * count))

        return Candidate(
            replace(self.follow, epochs=shorter(self.follow.epochs)),
            self.head,
            replace(self.answers, steps=shorter(self.answers.steps)),
            replace(self.joint, steps=shorter(self.joint.steps)),
        )


SCRIPT = Candidate()
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


@dataclass(frozen=True)
class Bench:
    """What all candidates share, and the folder in which stages are kept."""

    material: Material
    pool: PromptPool
    encoding: Encoding
    work: Path

    def heard(self, plan: Candidate) -> Scores:
        """Stages 1 and 2: what the head makes of the development clips, as they are and of rough copies.

        The score to select by is the mean of those of the two.
        """
        encoder, clips = new_encoder(dropout=0.0), self.material.development
        encoder.load_state_dict(self.follower(plan.follow))
        head = hear(encoder, self.material, plan.head)
        plain = [self.material.bank.mels[k][0] for k in clips]
        rough = changed(self.material, clips, ROUGH, np.random.default_rng(SEED))
        with torch.no_grad():
            found = [scores_of(head(pooled(encoder, mels)), self.material) for mels in (plain, rough)]
        both = float(np.mean([scores["score"] for scores in found]))
        return {**found[0], **{f"rough {name}": value for name, value in found[1].items()}, "score": both}

    def teacher(self, plan: HeadPlan) -> Scores:
        """What the same head makes of the teacher's own states."""
        lessons, material = make_lessons(self.material, self.work), self.material
        states = torch.tensor(np.array([clip[0].astype(np.float32).mean(0) for clip in lessons]))
        nothing = torch.empty(0, states.shape[1])
        head = fit_head(states[material.train], nothing, material.hard[material.train], plan)
        with torch.no_grad():
            return scores_of(head(states[material.development]), material)

    def follower(self, plan: FollowPlan) -> dict[str, torch.Tensor]:
        """Stage 1, unless its file is there."""
        path = self.work / f"follower-{_key(plan)}.pt"
        if not path.exists():
            train_follower(self.material, make_lessons(self.material, self.work), plan, path, SEED)
        state: dict[str, torch.Tensor] = torch.load(path)["encoder"]
        return state

    def answered(self, plan: Candidate) -> Scores:
        """Stages 3 and 4, unless their files are there: the development scores of the whole model."""
        out, said = self.work / f"joint-{_key(plan)}.pt", self.work / f"answers-{_key(plan.answers)}.pt"
        if not said.exists():
            confusion = vote_matrix(self.material.votes)
            train_answers(self.pool, self.encoding, plan.answers, confusion, said, SEED)
        if not out.exists():
            answers, encoder = torch.load(said), self.follower(plan.follow)
            model, ear, _ = assemble(
                self.encoding.tokenizer, encoder, answers, self.material, plan.head, SEED
            )
            probes, pool = answers["probes"], self.pool
            train_joint(model, ear, probes, self.material, pool, self.encoding, plan.joint, out, SEED)
        state = torch.load(out)
        return {**state["scores"], **self.sums(state["model"], out.with_suffix(""))}

    def sums(self, weights: dict[str, torch.Tensor], folder: Path) -> Scores:
        """Share of the answers in numbers, on all development clips, that sum to one, by prompt."""
        model = build_model(self.encoding.tokenizer)
        model.load_state_dict(weights)
        save(model, build_processor(self.encoding.tokenizer), folder)
        mini, rng = Mini(folder), np.random.default_rng(SEED)
        clips = [self.material.clips[k] for k in self.material.development]
        waves = {clip.id: load_audio(clip.path) for clip in clips}
        found = {}
        for prompt in ("dictionary", "percentages"):
            sets = [load_emotions(str(rng.choice(emotion_sets()))) for _ in clips]
            asked = ask_all(mini, prompt, clips, waves, sets, SEED)
            found[f"{prompt} sums"] = float(np.mean([sums_to_one(one) for one in asked]))
        return found


def _key(plan: Any) -> str:
    """Names the file of a stage after its whole plan, so that another plan or scale never finds it."""
    return hashlib.sha256(repr(plan).encode()).hexdigest()[:10]


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
    bench = Bench(*prepare(given.data, given.work, SEED), given.work)
    if given.stage != "answering":
        teacher = bench.teacher(HeadPlan(empty=0.0))
        print(f"the teacher itself: {teacher}", flush=True)
    for stage, candidates in (("hearing", HEARING), ("answering", ANSWERING)):
        if given.stage not in (None, stage):
            continue
        found: dict[str, Scores] = {}
        for name, candidate in candidates.items():
            if given.only and name not in given.only:
                continue
            print(f"== {stage}: {name}", flush=True)
            plan, begun = candidate.scaled(given.scale), time.monotonic()
            scores = bench.heard(plan) if stage == "hearing" else bench.answered(plan)
            found[name] = {**scores, "minutes": (time.monotonic() - begun) / 60}
            (given.work / f"{stage}.md").write_text(table(found), encoding="utf-8")
        if found:
            print(table(found), flush=True)


if __name__ == "__main__":
    main()
