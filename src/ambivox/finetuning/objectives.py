"""What training minimises, as pure functions on tensors. B examples, N labels, A answer tokens, V tokens.

Every example has a text loss: the mean cross-entropy of its answer's tokens. Examples whose answer begins
with a label (a word, a letter) also have a label distribution: the model's first answer token restricted to
the tokens that begin a label and renormalised, the same as the readout ``first``. Everything is in nats.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy as token_cross_entropy

from ambivox.errors import AmbivoxError, unknown_name
from ambivox.guarded import Guarded, a_, check_function, summary_of
from ambivox.registry import Registry

Loss = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""``(text (B,), log_p (B, N), q (B, N), labelled (B,)) -> (B,)`` in nats; see `Objective`."""


def text_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy of each example's answer tokens, so that long answers weigh no more than short ones.

    Args:
        logits: shape ``(B, L, V)``; position l predicts token l + 1.
        labels: shape ``(B, L)``, the token at each position, -100 where it is not part of the answer.

    Returns:
        Shape ``(B,)``, nats, at least 0.
    """
    row, place = (labels[:, 1:] != -100).nonzero(as_tuple=True)
    nats = token_cross_entropy(logits[row, place].float(), labels[row, place + 1], reduction="none")
    sums = torch.zeros(len(labels), device=nats.device).index_add(0, row, nats)
    counts = torch.bincount(row, minlength=len(labels))
    return sums / counts.clamp(min=1)


def label_log_p(token_logits: Tensor, shares: Tensor) -> Tensor:
    """Log-probabilities of the labels: their tokens' logits joined by log-sum-exp, renormalised.

    Args:
        token_logits: shape ``(B, K)``, raw logits of the label tokens where the answer begins.
        shares: shape ``(B, K, N)``, 1 where a token begins a label, else 0 (padding: all 0).

    Returns:
        Shape ``(B, N)``, nats, ``exp`` sums to 1.

    >>> label_log_p(torch.zeros(1, 3), torch.tensor([[[1.0, 0], [1, 0], [0, 1]]])).exp().round(decimals=3)
    tensor([[0.6670, 0.3330]])
    """
    log_p: Tensor = (token_logits.float()[:, :, None] + shares.log()).logsumexp(1).log_softmax(-1)
    return log_p


def forward_kl(log_p: Tensor, q: Tensor) -> Tensor:
    """``KL(q || p) = sum_n q_n (log q_n - log p_n)``: costs most where a voted label is ruled out.

    Args:
        log_p: shape ``(B, N)``, log-probabilities of the model.
        q: shape ``(B, N)``, shares of votes.

    Returns:
        Shape ``(B,)``, nats, at least 0.
    """
    return -(_entr(q) + q * log_p).sum(-1)


def jsd(log_p: Tensor, q: Tensor) -> Tensor:
    """Jensen-Shannon divergence, ``KL(p || m) / 2 + KL(q || m) / 2`` with ``m = (p + q) / 2``; no root.

    Returns:
        Shape ``(B,)``, nats, range ``[0, ln 2]``.
    """
    p = log_p.exp()
    m = (p + q) / 2
    return _entr(m).sum(-1) - (entropy(log_p) + _entr(q).sum(-1)) / 2


def entropy(log_p: Tensor) -> Tensor:
    """Shannon entropy of the model's label distribution, shape ``(B,)``, nats."""
    return -(log_p.exp() * log_p).sum(-1)


def _entr(p: Tensor) -> Tensor:
    """``-p log p``, 0 at 0, and with a finite gradient there."""
    return -p * p.clamp(min=torch.finfo(p.dtype).tiny).log()


@dataclass(frozen=True)
class Objective:
    """A way to learn from votes.

    Args:
        name: as in `OBJECTIVES`.
        source: where it is published, and what is ours.
        answer: what an answer of one label names: the most voted one (a tie is drawn), or one rater's vote.
        needs_votes: whether it makes no sense where every clip has a single label.
        function: `Loss` with options by keyword.
    """

    name: str
    source: str
    answer: Literal["plurality", "vote"]
    needs_votes: bool
    function: Callable[..., Tensor]

    def with_options(self, options: Mapping[str, float]) -> Loss:
        """The loss with its options set.

        Raises:
            UsageError: an option that it does not have.
        """
        known = [
            p.name for p in inspect.signature(self.function).parameters.values() if p.kind is p.KEYWORD_ONLY
        ]
        for option in options:
            if option not in known:
                raise unknown_name(f"option of the objective {self.name!r}", option, known)
        return partial(self.function, **options)


def _text_only(text: Tensor, log_p: Tensor, q: Tensor, labelled: Tensor) -> Tensor:
    return text


def _yu_2026(text: Tensor, log_p: Tensor, q: Tensor, labelled: Tensor, *, weight: float = 1.0) -> Tensor:
    return text + weight * forward_kl(log_p, q) * labelled


def _scaling_ambiguity(
    text: Tensor,
    log_p: Tensor,
    q: Tensor,
    labelled: Tensor,
    *,
    entropy_weight: float = 0.08,
    text_weight: float = 0.0,
) -> Tensor:
    of_labels = jsd(log_p, q) + entropy_weight * entropy(log_p) + text_weight * text
    return torch.where(labelled, of_labels, text)


_BUILT_IN = (
    Objective(
        "cross-entropy",
        "cross-entropy of the answer that names the most voted label",
        "plurality",
        False,
        _text_only,
    ),
    Objective(
        "yu-2026",
        "Yu et al. (2026), arXiv 2603.08230: cross-entropy plus forward KL of the votes from the label-token "
        "distribution, with their weight lambda = 1 between them",
        "plurality",
        True,
        _yu_2026,
    ),
    Objective(
        "scaling-ambiguity",
        "Zhang et al. (2026), arXiv 2601.14620, and its public code: JSD plus 0.08 times the entropy of the "
        "prediction (nats, so flat predictions cost more); theirs is on a head of its own, here on the label "
        "tokens, and answers that begin with no label are learnt by cross-entropy; text_weight (0 here) adds "
        "that of the words and letters, which the paper has none of",
        "plurality",
        True,
        _scaling_ambiguity,
    ),
    Objective(
        "answer-sampling",
        "every rater's vote is one training answer: cross-entropy against votes in turn",
        "vote",
        True,
        _text_only,
    ),
)


def as_objective(name: str, item: object) -> Objective:
    """An objective from an `Objective`, or from a plain function ``(text, log_p, q, labelled, *, options)``.

    Of the function it is taken that answers name the most voted label, and that it needs votes.
    """
    if not isinstance(item, Objective):
        if not callable(item):
            raise ValueError(f"expected an Objective or a function {_ARGUMENTS}, not {a_(item)}")
        item = Objective(name, summary_of(item), "plurality", True, item)
    if item.name != name:
        raise ValueError(f"it calls itself {item.name!r}: name and entry point must be the same")
    check_function(item.function, *_ARGUMENTS)
    objective = replace(item, function=Guarded(f"objective {name!r}", item.function, _as_loss))
    log_p = torch.full((2, 3), 1 / 3).log().requires_grad_()
    try:
        objective.function(torch.ones(2), log_p, torch.eye(3)[:2], torch.tensor([True, False]))
    except AmbivoxError as error:
        raise ValueError(f"trying it: {error}") from error
    return objective


_ARGUMENTS = ("text", "log_p", "q", "labelled")


def _as_loss(result: object, text: Tensor, *_: Tensor) -> Tensor:
    if not isinstance(result, Tensor) or result.shape != text.shape:
        shape = tuple(result.shape) if isinstance(result, Tensor) else a_(result)
        raise ValueError(f"it gives {shape}, expected a tensor of shape {tuple(text.shape)}")
    return result


OBJECTIVES = Registry(
    "objective",
    group="ambivox.objectives",
    accept=as_objective,
    built_in={objective.name: objective for objective in _BUILT_IN},
)
"""Objectives by name; other packages add theirs as entry points of the group ``ambivox.objectives``."""
