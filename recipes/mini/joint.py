"""Stage 4: the language model learns to read the trained encoder on real clips."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedTokenizerFast, Qwen2AudioForConditionalGeneration

from ambivox.emotions import load_emotions
from ambivox.prompts.prompt import load_prompt
from recipes.mini.chat import example
from recipes.mini.checkpoint import build_model
from recipes.mini.decoder import Progress, PromptPool, answer_logits, train_step
from recipes.mini.descent import Descent
from recipes.mini.ear import ROUGH, Ear, Teaching, changed, train_ear
from recipes.mini.encoder import HeadPlan, encode
from recipes.mini.encoding import NUMBERS, Encoding
from recipes.mini.features import GENTLE, Mel, batches, collate
from recipes.mini.gaze import Gaze
from recipes.mini.material import Material, six_class_accuracy
from recipes.mini.targets import EQUAL, HEARD, VOTED, option_matrix, restrict, vote_matrix

Model: TypeAlias = Qwen2AudioForConditionalGeneration
State: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class JointPlan:
    """Length and pace of stage 4."""

    steps: int = 2400
    batch: int = 32
    learning_rate: float = 1e-3
    gaze: float = 0.5
    """Weight of the loss of `Gaze`, falling to nothing over the steps."""
    audio_tokens: int = 16
    """How many audio tokens of a clip are shown in nine of ten cases; else all of them."""
    trust: float = 0.7
    """Where votes are taught, that is in numbers, and in words as far as a recording sounds unfamiliar: the
    weight of the belief, beside CREMA-D's six emotions as equally likely. Our own guess at how far to trust
    an ear that never heard the corpus in question."""
    rough: float = 0.25
    """Share of the examples on rough copies of clips."""
    content_free: float = 0.04
    """Share of the examples on silence or noise, answered with equal shares for all emotions."""


def assemble(
    tokenizer: PreTrainedTokenizerFast,
    encoder: State,
    answers: State,
    material: Material,
    plan: HeadPlan,
    seed: int,
) -> tuple[Model, Ear]:
    """The encoder of one stage and the language model of another, joined; and what reads the encoder."""
    model = build_model(tokenizer)
    model.model.language_model.load_state_dict(answers["language_model"])
    model.lm_head.load_state_dict(answers["lm_head"])
    model.model.audio_tower.load_state_dict(encoder)
    ear = train_ear(model.model.audio_tower, material, plan, seed)
    join(model, ear, answers["reader"], seed)
    return model, ear


@torch.no_grad()
def join(model: Model, ear: Ear, reader: dict[str, Tensor], seed: int) -> None:
    """Let a trained language model read a trained encoder.

    Both are linear where they meet: the head turns an audio token into emotion logits, ``reader`` turns
    emotion logits into what the language model reads. The projector starts as their product, and says how
    familiar a token sounds in a direction of its own, at right angles to those of ``reader``.
    """
    head, judge = ear.head.out, ear.judge
    centre = torch.eye(len(HEARD)) - 1 / len(HEARD)
    taken = torch.cat([reader["weight"], reader["bias"][:, None]], dim=1)
    free = torch.randn(len(taken), 1, generator=torch.Generator().manual_seed(seed))
    free = 0.5 * torch.linalg.qr(torch.cat([taken, free], dim=1))[0][:, -1:]
    projector = model.model.multi_modal_projector.linear
    projector.weight.copy_(reader["weight"] @ centre @ head.weight + free @ judge.weight)
    projector.bias.copy_(reader["bias"] + reader["weight"] @ centre @ head.bias + free @ judge.bias)


def trimmed(read: Tensor, tokens: Tensor) -> list[Tensor]:
    """Per clip its real audio tokens, ``(n_tokens, hidden)``."""
    return [row[:count] for row, count in zip(read, tokens.tolist(), strict=True)]


@torch.no_grad()
def states_of(model: Model, mels: list[Mel], rng: np.random.Generator) -> list[Tensor]:
    """Encoder states of the audio tokens of each recording, ``(n_tokens, d)``."""
    states: list[Tensor] = [torch.empty(0)] * len(mels)
    for chosen in batches([len(mel) for mel in mels], 32, rng):
        hidden, tokens = encode(model.model.audio_tower, *collate([mels[k] for k in chosen]))
        for k, row in zip(chosen, trimmed(hidden, tokens), strict=True):
            states[k] = row
    return states


def train_joint(
    model: Model,
    ear: Ear,
    probes: dict[str, Tensor],
    material: Material,
    pool: PromptPool,
    encoding: Encoding,
    plan: JointPlan,
    seed: int,
) -> State:
    """Train language model and projector on what the encoder hears; encoder and ear stay as they are.

    The targets are what `Teaching` makes of the audio tokens that are shown, not the labels: a function of
    the tokens, so that it can be learnt to the digit, and as unsure as the head was calibrated to be. Half of
    the examples show tokens of two clips.

    Args:
        probes: those of `Gaze` as stage 3 left them.

    Returns:
        The whole ``model``'s weights, its development ``scores`` and the ``temperature`` of the ear.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model.model.audio_tower.requires_grad_(False).eval()
    gaze = Gaze(model)
    gaze.probes.load_state_dict(probes)
    trained = [
        *gaze.probes.parameters(),
        *model.model.language_model.parameters(),
        *model.lm_head.parameters(),
        *model.model.multi_modal_projector.parameters(),
    ]
    descent = Descent(trained, plan.learning_rate, plan.steps, weight_decay=0.02, rise=0.1)
    taught = Teaching(ear, vote_matrix(material.votes), plan.trust)
    heard = {
        "clips": states_of(model, changed(material, material.train, GENTLE, rng), rng),
        "rough": states_of(model, changed(material, material.train, ROUGH, rng), rng),
        "empty": states_of(model, [mel.astype(np.float32) for mel in material.empty], rng),
    }
    shares = [1 - plan.rough - plan.content_free, plan.rough, plan.content_free]
    scores = development_scores(model, material, encoding)
    print(f"joint start {scores}", flush=True)
    model.train()
    start, log = time.monotonic(), Progress()
    for step in range(plan.steps):
        shown, examples = [], []
        for k in rng.integers(len(pool), size=plan.batch):
            prompt, emotions = pool[k]
            kind = str(rng.choice(list(heard), p=shares))
            states = _some_tokens(heard[kind], plan.audio_tokens, rng)
            answer = EQUAL if kind == "empty" else taught(states, votes=prompt.format in NUMBERS)
            examples.append(encoding(example(answer, prompt, emotions, rng)))
            shown.append(model.model.multi_modal_projector(states))
        log.add(train_step(model, gaze, shown, examples, encoding, plan.gaze * (1 - step / plan.steps)))
        descent.step()
        if step % 50 == 49 or step == plan.steps - 1:
            scores = development_scores(model, material, encoding)
            model.train()
            line = ", ".join(f"{name} {value:.3f}" for name, value in scores.items())
            seconds = time.monotonic() - start
            print(f"joint {step + 1} {seconds:.0f} s {log.read()} | {line}", flush=True)
    gaze.stop()
    return {"model": model.state_dict(), "scores": scores, "temperature": ear.temperature}


def _some_tokens(states: list[Tensor], count: int, rng: np.random.Generator) -> Tensor:
    """Audio tokens of one clip, or of two clips one after the other, in their order: ``(n_tokens, d)``."""
    rows = []
    for k in rng.integers(len(states), size=2 if rng.random() < 0.5 else 1):
        row = states[k]
        if rng.random() < 0.9:
            kept = rng.permutation(len(row))[: int(rng.integers(count // 4, count))]
            row = row[np.sort(kept)]
        rows.append(row)
    return torch.cat(rows)


@torch.no_grad()
def first_shares(
    model: Model,
    material: Material,
    clips: NDArray[np.int64],
    encoding: Encoding,
    name: str,
    seed: int,
) -> Tensor:
    """What the first token of a word or a letter gives to CREMA-D's six emotions: log shares, ``(n, 6)``.

    Options are offered in an order of their own for every clip.
    """
    model.eval()
    rng = np.random.default_rng(seed)
    emotions, prompt = load_emotions("cremad6"), load_prompt(name)
    rows = []
    for i in range(0, len(clips), 32):
        chosen = clips[i : i + 32]
        mels, frames = collate([material.bank.mels[k][0].astype(np.float32) for k in chosen])
        hidden, tokens = encode(model.model.audio_tower, mels, frames)
        audio = trimmed(model.model.multi_modal_projector(hidden), tokens)
        prompts = [prompt.render(emotions, order=rng.permutation(6).tolist()) for _ in chosen]
        made = [encoding(example(EQUAL, rendered, emotions, rng)) for rendered in prompts]
        ids = torch.tensor([[encoding.first_token(words[0]) for words in p.answers] for p in prompts])
        logits, starts = answer_logits(model, audio, made, encoding.audio)
        rows.append(logits[starts].gather(1, ids).log_softmax(-1))
    return torch.cat(rows)


def development_scores(model: Model, material: Material, encoding: Encoding) -> dict[str, float]:
    """By word and by letter: six-class accuracy per corpus, and the loss against the soft targets (nats).

    The score to select by is the mean of the accuracies less 0.3 times the mean of the losses.
    """
    clips = material.development
    target = torch.tensor(restrict(material.soft[clips], option_matrix(VOTED)))
    scores: dict[str, float] = {}
    for name in ("word", "letter"):
        logits = first_shares(model, material, clips, encoding, name, seed=7)
        for corpus in ("ravdess", "emo-db"):
            here = np.flatnonzero(material.corpus[clips] == corpus)
            scores[f"{name} {corpus}"] = six_class_accuracy(logits[here], material.hard[clips][here])
        scores[f"{name} nll"] = float(-(target * logits).sum(-1).mean())
    losses = [value for name, value in scores.items() if name.endswith("nll")]
    accuracies = [value for name, value in scores.items() if not name.endswith("nll")]
    scores["score"] = float(np.mean(accuracies) - 0.3 * np.mean(losses))
    return scores
