"""Train the bundled checkpoint: ``python -m ambivox.training.mini --data DIR --out DIR``.

Five stages: an encoder that follows a teacher; a linear head that reads emotion from it; a language model on
stand-ins for audio; the language model on what the encoder hears in real clips; the numbers of the card.
A stage whose result lies in the work folder is not run again. The first needs the teacher's weights:
``pip install --no-deps resemblyzer``.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast

from ambivox.training.chat import example
from ambivox.training.checkpoint import build_processor, build_tokenizer, save
from ambivox.training.decoder import AnswersPlan, PromptPool, prompt_pool, random_heard, train_answers
from ambivox.training.encoder import HeadPlan
from ambivox.training.encoding import Encoding
from ambivox.training.evaluate import measure
from ambivox.training.follow import FollowPlan, make_lessons, train_follower
from ambivox.training.joint import JointPlan, assemble, train_joint
from ambivox.training.material import Material
from ambivox.training.targets import vote_matrix


def prepare(data: Path, work: Path, seed: int) -> tuple[Material, PromptPool, Encoding]:
    """What all stages share; features and tokenizer are kept in ``work``."""
    work.mkdir(parents=True, exist_ok=True)
    material, rng = Material(data, work), np.random.default_rng(seed)
    pool = prompt_pool(rng)
    texts = [text for prompt, emotions in pool for text in
             (prompt.text, example(random_heard(rng), prompt, emotions, rng).answer)]  # fmt: skip
    if not (work / "tokenizer").exists():
        build_tokenizer(texts).save_pretrained(work / "tokenizer")
    tokenizer = PreTrainedTokenizerFast.from_pretrained(work / "tokenizer")
    return material, pool, Encoding(build_processor(tokenizer))


def train_mini(data: Path, out: Path, work: Path, seed: int = 0) -> None:
    """All stages; the checkpoint, its metrics and its card are written to ``out``."""
    start = time.monotonic()
    material, pool, encoding = prepare(data, work, seed)
    if not (work / "follower.pt").exists():
        train_follower(material, make_lessons(material, work), FollowPlan(), work / "follower.pt", seed)
    if not (work / "answers.pt").exists():
        confusion = vote_matrix(material.votes)
        train_answers(pool, encoding, AnswersPlan(), confusion, work / "answers.pt", seed)
    follower, answers = torch.load(work / "follower.pt"), torch.load(work / "answers.pt")
    model, ear, temperature = assemble(
        encoding.tokenizer, follower["encoder"], answers, material, HeadPlan(), seed
    )
    if not (work / "joint.pt").exists():
        train_joint(
            model, ear, answers["probes"], material, pool, encoding, JointPlan(), work / "joint.pt", seed
        )
    model.load_state_dict(torch.load(work / "joint.pt")["model"])
    save(model, build_processor(encoding.tokenizer), out)
    print(f"saved after {time.monotonic() - start:.0f} s", flush=True)
    measure(out, data, seed=seed, temperature=temperature, followed=follower["scores"]["explained"])


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
