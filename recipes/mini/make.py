"""Train the bundled checkpoint: ``python -m recipes.mini.make --data DIR --out DIR``.

Five stages: an encoder that follows a teacher; a linear head that reads emotion from it and a judge of how
familiar a recording sounds; a language model on stand-ins for audio; the language model on what the encoder
hears in real clips; the numbers of the card. A stage whose result lies in the work folder, in a file named
after its plan and seed, is not run again. The first needs the teacher's weights:
``pip install --no-deps resemblyzer``.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast

from recipes.mini.chat import example
from recipes.mini.checkpoint import build_model, build_processor, build_tokenizer, save
from recipes.mini.decoder import AnswersPlan, PromptPool, prompt_pool, random_heard, train_answers
from recipes.mini.encoder import HeadPlan
from recipes.mini.encoding import Encoding
from recipes.mini.evaluate import measure
from recipes.mini.follow import FollowPlan, make_lessons, train_follower
from recipes.mini.joint import JointPlan, State, assemble, train_joint
from recipes.mini.material import Material, save_aside
from recipes.mini.targets import vote_matrix


@dataclass(frozen=True)
class Plans:
    """Those of the four stages that train; the defaults are what ships."""

    follow: FollowPlan = field(default_factory=FollowPlan)
    head: HeadPlan = field(default_factory=HeadPlan)
    answers: AnswersPlan = field(default_factory=AnswersPlan)
    joint: JointPlan = field(default_factory=JointPlan)


@dataclass(frozen=True)
class Stages:
    """What all stages share, and the folder in which their results are kept."""

    material: Material
    pool: PromptPool
    encoding: Encoding
    work: Path
    seed: int

    def file(self, stage: str, plan: object) -> Path:
        """Where a stage's result is: named after its plan and the seed, so that another plan never finds it.

        Of the code and the data it knows nothing: who changes those deletes the file.
        """
        key = hashlib.sha256(repr((plan, self.seed)).encode()).hexdigest()[:10]
        return self.work / f"{stage}-{key}.pt"

    def follower(self, plan: FollowPlan) -> State:
        """Stage 1: the encoder's weights, and its scores."""

        def train() -> State:
            return train_follower(self.material, make_lessons(self.material, self.work), plan, self.seed)

        return self._once("follower", plan, train)

    def answers(self, plan: AnswersPlan) -> State:
        """Stage 3: the weights of the language model and of what taught it."""

        def train() -> State:
            return train_answers(self.pool, self.encoding, plan, vote_matrix(self.material.votes), self.seed)

        return self._once("answers", plan, train)

    def joint(self, plans: Plans) -> State:
        """Stages 2 and 4, after those before them: the weights of the whole model, its scores, the head's
        temperature.
        """

        def train() -> State:
            encoder, answers = self.follower(plans.follow)["encoder"], self.answers(plans.answers)
            material, encoding, seed = self.material, self.encoding, self.seed
            model, ear = assemble(encoding.tokenizer, encoder, answers, material, plans.head, seed)
            return train_joint(
                model, ear, answers["probes"], material, self.pool, encoding, plans.joint, seed
            )

        return self._once("joint", plans, train)

    def _once(self, stage: str, plan: object, train: Callable[[], State]) -> State:
        """What ``train`` gives, from the file if it was trained before."""
        out = self.file(stage, plan)
        if not out.exists():
            save_aside(train(), out)
        return dict(torch.load(out))

    def save(self, weights: dict[str, torch.Tensor], folder: Path) -> None:
        """Write a whole model as a checkpoint that transformers loads."""
        model = build_model(self.encoding.tokenizer)
        model.load_state_dict(weights)
        save(model, build_processor(self.encoding.tokenizer), folder)


def prepare(data: Path, work: Path, seed: int) -> Stages:
    """What all stages share; features and tokenizer are kept in ``work``."""
    work.mkdir(parents=True, exist_ok=True)
    material, rng = Material(data, work), np.random.default_rng(seed)
    pool = prompt_pool(rng)
    texts = [text for prompt, emotions in pool for text in
             (prompt.text, example(random_heard(rng), prompt, emotions, rng).answer)]  # fmt: skip
    folder = work / f"tokenizer-{seed}"
    if not folder.exists():
        build_tokenizer(texts).save_pretrained(folder)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    return Stages(material, pool, Encoding(build_processor(tokenizer)), work, seed)


def train_mini(data: Path, out: Path, work: Path, seed: int = 0) -> None:
    """All stages; the checkpoint, its metrics and its card are written to ``out``."""
    start, plans = time.monotonic(), Plans()
    stages = prepare(data, work, seed)
    joint = stages.joint(plans)
    stages.save(joint["model"], out)
    print(f"saved after {time.monotonic() - start:.0f} s", flush=True)
    followed = stages.follower(plans.follow)["scores"]["explained"]
    measure(out, data, seed=seed, temperature=joint["temperature"], followed=followed)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with ravdess, emo-db and crema-d")
    parser.add_argument("--out", type=Path, required=True, help="where the checkpoint goes")
    parser.add_argument(
        "--work", type=Path, default=Path("runs/mini"), help="features and stages (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    train_mini(given.data, given.out, given.work, given.seed)


if __name__ == "__main__":
    main()
