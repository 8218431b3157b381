"""Search for a better `mini`: train candidates, score each on the development speakers, write log and table.

    python benchmarks/mini_search.py --data ../shared/data --work runs/mini-search [--only NAME ...]

A candidate is the plan of one of the three stages, changed in one thing; stages that it does not change are
shared with the candidate `script`, which is what `python -m ambivox.training.mini` runs. Test speakers are
never heard here. A whole candidate takes about an hour on two CPU cores; `--scale 0.002` tries the script.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast

from ambivox.training.chat import example
from ambivox.training.checkpoint import build_model, build_processor, build_tokenizer
from ambivox.training.decoder import AnswersPlan, PromptPool, prompt_pool, random_heard, train_answers
from ambivox.training.encoder import EncoderPlan, HeardHead, fold_temperature, train_encoder
from ambivox.training.encoding import Encoding
from ambivox.training.joint import JointPlan, join, train_joint
from ambivox.training.material import Material
from ambivox.training.targets import vote_matrix


@dataclass(frozen=True)
class Candidate:
    """The plans of the three stages."""

    encoder: EncoderPlan = field(default_factory=EncoderPlan)
    answers: AnswersPlan = field(default_factory=AnswersPlan)
    joint: JointPlan = field(default_factory=JointPlan)

    def scaled(self, scale: float) -> Candidate:
        """The same with shorter stages, to try the script out."""
        return Candidate(
            replace(self.encoder, epochs=max(2, round(scale * self.encoder.epochs))),
            replace(self.answers, steps=max(2, round(scale * self.answers.steps))),
            replace(self.joint, steps=max(2, round(scale * self.joint.steps))),
        )


CANDIDATES = {
    "script": Candidate(),
    "plain-encoder": Candidate(encoder=replace(EncoderPlan(), epochs=8, plain_epochs=8, soft_from=8)),
    "long-encoder": Candidate(encoder=replace(EncoderPlan(), epochs=40, plain_epochs=10, mixup=0.1)),
    "no-gaze": Candidate(answers=replace(AnswersPlan(), gaze=0.0), joint=replace(JointPlan(), gaze=0.0)),
    "long-answers": Candidate(answers=replace(AnswersPlan(), steps=6000)),
    "full-trust": Candidate(joint=replace(JointPlan(), trust=1.0)),
}


def train(
    name: str, plan: Candidate, material: Material, pool: PromptPool, encoding: Encoding, work: Path
) -> dict[str, float]:
    """All stages of one candidate; stages that equal another candidate's are taken from it."""
    encoder, answers = work / f"encoder-{_key(plan.encoder)}.pt", work / f"answers-{_key(plan.answers)}.pt"
    if not encoder.exists():
        train_encoder(material, plan.encoder, encoder, seed=1)
    if not answers.exists():
        train_answers(pool, encoding, plan.answers, vote_matrix(material.votes), answers, seed=0)
    heard, said = torch.load(encoder), torch.load(answers)
    model = build_model(encoding.tokenizer)
    model.load_state_dict(said["model"])
    model.model.audio_tower.load_state_dict(heard["encoder"])
    head = HeardHead(model.config.audio_config.d_model)
    head.load_state_dict(heard["head"])
    fold_temperature(model.model.audio_tower, head, material)
    join(model, head, said["reader"])
    return train_joint(
        model, head, said["probes"], material, pool, encoding, plan.joint, work / f"{name}.pt", seed=0
    )


def _key(plan: EncoderPlan | AnswersPlan) -> str:
    return "-".join(str(value) for value in vars(plan).values())


def table(found: dict[str, dict[str, float]]) -> str:
    """Development scores as Markdown, best first."""
    columns = list(next(iter(found.values())))
    lines = [f"| candidate | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for name, scores in sorted(found.items(), key=lambda item: -item[1]["score"]):
        lines.append(f"| {name} | {' | '.join(f'{scores[c]:.3f}' for c in columns)} |")
    return "\n".join(lines)


def main() -> None:
    """Read the command line, train, print and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("runs/mini-search"))
    parser.add_argument("--only", nargs="*", choices=list(CANDIDATES), default=list(CANDIDATES))
    parser.add_argument("--scale", type=float, default=1.0, help="of the length of every stage")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    given.work.mkdir(parents=True, exist_ok=True)
    material, rng = Material(given.data, given.work), np.random.default_rng(0)
    pool = prompt_pool(rng)
    texts = [text for prompt, emotions in pool for text in
             (prompt.text, example(random_heard(rng), prompt, emotions, rng).answer)]  # fmt: skip
    if not (given.work / "tokenizer").exists():
        build_tokenizer(texts).save_pretrained(given.work / "tokenizer")
    encoding = Encoding(build_processor(PreTrainedTokenizerFast.from_pretrained(given.work / "tokenizer")))
    found: dict[str, dict[str, float]] = {}
    for name in given.only:
        begun = time.monotonic()
        print(f"== {name}", flush=True)
        plan = CANDIDATES[name].scaled(given.scale)
        found[name] = train(name, plan, material, pool, encoding, given.work)
        found[name]["minutes"] = (time.monotonic() - begun) / 60
        (given.work / "scores.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        (given.work / "table.md").write_text(table(found) + "\n", encoding="utf-8")
    print(table(found))


if __name__ == "__main__":
    main()
