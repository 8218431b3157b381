"""The ways to answer a study: as published scripts do it, in plain batches, and as ambivox does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from ambivox.models import Request
from ambivox.models.checkpoint import quiet
from ambivox.models.transformers import TransformersModel

Said = list[tuple[int, ...]]
"""The greedy answers, in the order of the requests."""

Way = Callable[[Sequence[Request]], Said]


def one_by_one(model: TransformersModel) -> Way:
    """The loop of published scripts: `generate` with all logits, then a forward pass per label."""

    def answer(requests: Sequence[Request]) -> Said:
        return [_loop_body(model, request) for request in requests]

    return answer


def _loop_body(model: TransformersModel, request: Request) -> tuple[int, ...]:
    assert request.samples is not None
    with quiet(), torch.inference_mode():
        inputs = model.chat(request.samples, request.prompt.text)
        placed = {key: model.plain.place(value) for key, value in inputs.items()}
        out = model.model.generate(
            **placed,
            **model.plain.fixed,
            generation_config=model.plain.decoding,
            max_new_tokens=request.prompt.max_new_tokens,
            output_logits=True,
            return_dict_in_generate=True,
        )
        logits = torch.cat(out.logits).float()
        logits[:, list(request.watch.token_ids)] - logits.logsumexp(1, keepdim=True)
        for forms in request.prompt.answers:
            label = torch.tensor([model.chat.tokenizer.encode(forms[0], add_special_tokens=False)])
            ids = torch.cat([placed["input_ids"], label.to(placed["input_ids"].device)], dim=1)
            whole = placed | {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
            model.model(**whole, **model.plain.fixed).logits[0, -label.shape[1] - 1 :].log_softmax(-1)
    return tuple(out.sequences[0, inputs["input_ids"].shape[1] :].tolist())


def batched(model: TransformersModel) -> Way:
    """Plain batches of `generate`, only the watched logits kept, label prefixes in batches, too."""

    def answer(requests: Sequence[Request]) -> Said:
        outcomes = model.plain.run(model.jobs(requests))
        return [outcome.answers[0].token_ids for outcome in outcomes]

    return answer


def shared(model: TransformersModel) -> Way:
    """ambivox, with nothing left of earlier runs."""

    def answer(requests: Sequence[Request]) -> Said:
        model.forget()
        return [reply.token_ids for reply in model.generate(requests)]

    return answer
