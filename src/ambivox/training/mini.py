"""Train the bundled checkpoint: ``python -m ambivox.training.mini --data DIR --out DIR``.

Four stages: an encoder with a plain head; a language model on stand-ins for audio; the language model on
what the encoder hears in real clips; the numbers of the model card. A stage whose result lies in the work
folder is not run again.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast

from ambivox.training.chat import example
from ambivox.training.checkpoint import build_model, build_processor, build_tokenizer, save
from ambivox.training.decoder import AnswersPlan, prompt_pool, random_heard, train_answers
from ambivox.training.encoder import EncoderPlan, HeardHead, fold_temperature, train_encoder
from ambivox.training.encoding import Encoding
from ambivox.training.evaluate import measure
from ambivox.training.joint import JointPlan, join, train_joint
from ambivox.training.material import Material
from ambivox.training.targets import vote_matrix


def train_mini(data: Path, out: Path, work: Path, seed: int = 0) -> None:
    """All stages; the checkpoint, its metrics and its card are written to ``out``."""
    work.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    material = Material(data, work)
    rng = np.random.default_rng(seed)
    pool = prompt_pool(rng)
    texts = [text for prompt, emotions in pool for text in
             (prompt.text, example(random_heard(rng), prompt, emotions, rng).answer)]  # fmt: skip
    if not (work / "tokenizer").exists():
        build_tokenizer(texts).save_pretrained(work / "tokenizer")
    tokenizer = PreTrainedTokenizerFast.from_pretrained(work / "tokenizer")
    processor = build_processor(tokenizer)
    encoding = Encoding(processor)
    if not (work / "encoder.pt").exists():
        train_encoder(material, EncoderPlan(), work / "encoder.pt", seed + 1)
    if not (work / "answers.pt").exists():
        confusion = vote_matrix(material.votes)
        train_answers(pool, encoding, AnswersPlan(), confusion, work / "answers.pt", seed)
    heard, answers = torch.load(work / "encoder.pt"), torch.load(work / "answers.pt")
    model = build_model(tokenizer)
    model.load_state_dict(answers["model"])
    model.model.audio_tower.load_state_dict(heard["encoder"])
    head = HeardHead(model.config.audio_config.d_model)
    head.load_state_dict(heard["head"])
    temperature = fold_temperature(model.model.audio_tower, head, material)
    join(model, head, answers["reader"])
    if not (work / "joint.pt").exists():
        train_joint(
            model, head, answers["probes"], material, pool, encoding, JointPlan(), work / "joint.pt", seed
        )
    model.load_state_dict(torch.load(work / "joint.pt")["model"])
    save(model, processor, out)
    print(f"saved after {time.monotonic() - start:.0f} s", flush=True)
    measure(out, data, seed=seed, temperature=temperature)


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
