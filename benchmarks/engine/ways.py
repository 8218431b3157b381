"""The ways to answer a study: as published scripts do it, in plain batches, and as ambivox does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from ambivox.models import Request
from ambivox.models.hf.adapter import TransformersModel
from ambivox.models.hf.chat_input import Inputs, collate, with_answer
from ambivox.models.hf.checkpoint import quiet

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
        placed = {key: model.reference.place(value) for key, value in inputs.items()}
        out = model.model.generate(
            **placed,
            **model.reference.fixed,
            generation_config=model.reference.decoding,
            max_new_tokens=request.prompt.max_new_tokens,
            output_logits=True,
            return_dict_in_generate=True,
        )
        logits = torch.cat(out.logits).float()
        logits[:, list(request.label_tokens.token_ids)] - logits.logsumexp(1, keepdim=True)
        for forms in request.prompt.answers:
            label = torch.tensor([model.chat.tokenizer.encode(forms[0], add_special_tokens=False)])
            ids = torch.cat([placed["input_ids"], label.to(placed["input_ids"].device)], dim=1)
            whole = placed | {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
            model.model(**whole, **model.reference.fixed).logits[0, -label.shape[1] - 1 :].log_softmax(-1)
    return tuple(out.sequences[0, inputs["input_ids"].shape[1] :].tolist())


def in_batches(model: TransformersModel, rows: int = 8) -> Way:
    """The same in batches padded on the left: `generate` with all logits, then a pass per label."""

    def answer(requests: Sequence[Request]) -> Said:
        said: Said = []
        for start in range(0, len(requests), rows):
            said += _batch(model, requests[start : start + rows])
        return said

    return answer


def _batch(model: TransformersModel, requests: Sequence[Request]) -> Said:
    reference, tokenizer = model.reference, model.chat.tokenizer
    with quiet(), torch.inference_mode():
        inputs = [job.inputs for job in model.jobs(requests)]
        padded = _placed(model, inputs)
        out = reference.model.generate(
            **padded,
            **reference.fixed,
            generation_config=reference.decoding,
            max_new_tokens=max(request.prompt.max_new_tokens for request in requests),
            output_logits=True,
            return_dict_in_generate=True,
        )
        torch.stack(out.logits).float().logsumexp(-1)
        for label in range(max(len(request.prompt.answers) for request in requests)):
            forms = [request.prompt.answers[label % len(request.prompt.answers)][0] for request in requests]
            written = [tokenizer.encode(form, add_special_tokens=False) for form in forms]
            longer = [with_answer(each, tokens) for each, tokens in zip(inputs, written, strict=True)]
            logits = reference.model(**_placed(model, longer), **reference.fixed).logits
            logits[:, -1 - max(map(len, written)) :].log_softmax(-1)
    answers = out.sequences[:, padded["input_ids"].shape[1] :].tolist()
    return [_ended(model, said) for said in answers]


def _placed(model: TransformersModel, inputs: Sequence[Inputs]) -> Inputs:
    batch = collate(inputs, model.reference.decoding.pad_token_id)
    return {key: model.reference.place(value) for key, value in batch.items()}


def _ended(model: TransformersModel, tokens: Sequence[int]) -> tuple[int, ...]:
    """Without what a batch appends after the end."""
    ends = [n for n, token in enumerate(tokens) if token in model.reference.decoding.eos_token_id]
    return tuple(tokens[: ends[0] + 1] if ends else tokens)


def by_reference(model: TransformersModel) -> Way:
    """The reference path of ambivox: batches of `generate`, only logits of label tokens, prefixes once."""

    def answer(requests: Sequence[Request]) -> Said:
        outcomes = model.reference.run(model.jobs(requests))
        return [outcome.answers[0].token_ids for outcome in outcomes]

    return answer


def shared(model: TransformersModel) -> Way:
    """ambivox, with nothing left of earlier runs."""

    def answer(requests: Sequence[Request]) -> Said:
        model.forget()
        return [reply.token_ids for reply in model.generate(requests)]

    return answer
