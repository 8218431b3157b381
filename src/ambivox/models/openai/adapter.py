"""A `SpeechModel` behind an OpenAI-type chat endpoint."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ambivox.errors import AmbivoxError, UnreachableError, UsageError
from ambivox.models.openai.chat import audio_part, user_turn
from ambivox.models.openai.client import Client
from ambivox.models.openai.logprobs import Step, assert_same_text, listed_values, read_steps
from ambivox.models.openai.server import Server, look, question
from ambivox.models.openai.sglang import SGLang
from ambivox.models.openai.tokens import (
    ServerTokens,
    TextTokens,
    TokenizerTokens,
    Tokens,
    stand_in,
)
from ambivox.models.protocol import LabelTokens, PartlyAnsweredError, Reply, Request

MAX_IDS = 128
"""How many ids vLLM takes at a time."""

_Ids = tuple[int, ...]
Chat = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
"""The body of a chat completion -> what comes back."""


def load_openai(
    name: str,
    *,
    base_url: str | None = None,
    tokenizer: str | None = None,
    logprobs: Literal["ids", "list", "none"] | None = None,
    top_logprobs: Annotated[int, Field(ge=1)] | None = None,
    concurrency: Annotated[int, Field(ge=1, le=1024)] = 16,
    timeout_s: Annotated[float, Field(gt=0)] = 120.0,
    max_retries: Annotated[int, Field(ge=0, le=100)] = 5,
    max_audio_s: Annotated[float, Field(gt=0)] | None = None,
    any_backend: bool = False,
) -> ServerModel:
    """A model on a server. The key, if it wants one, comes from OPENAI_API_KEY in the environment.

    Args:
        name: the model's name on the server; or the server's URL, which stands for the one model there.
        base_url: such as ``http://localhost:8000/v1``; None takes OPENAI_BASE_URL, or OpenAI's own.
        tokenizer: a folder or hub name; None asks the server, or knows tokens by their text only.
        logprobs: ``ids`` (vLLM: exact), ``list`` (the most probable tokens) or ``none``; None tries.
        top_logprobs: how many tokens are listed; None takes what is usual.
        concurrency: requests in flight at a time.
        timeout_s: for the next bytes of an answer.
        max_retries: of a request that failed in a way that may pass.
        max_audio_s: the longest clip that the model hears whole, where you know it: servers do not say.
        any_backend: let answers of several backends (`system_fingerprint`) stand side by side, for services
            that change between them.

    Raises:
        UsageError: no such model, a URL that cannot be one, or a missing key.
        AmbivoxError: the server cannot be asked.
    """
    by_url = name.startswith(("http://", "https://"))
    client = Client(
        name if by_url else base_url, concurrency=concurrency, timeout_s=timeout_s, max_retries=max_retries
    )
    server = client.run(look(client, "" if by_url else name, logprobs, top_logprobs))
    server = replace(server, backend=None) if any_backend else server
    tokens = _tokens(client, server, tokenizer)
    shown = name if by_url else f"openai:{name}"
    ask: Chat = client.chat
    if server.card.get("owned_by") == "sglang" and isinstance(tokens, TokenizerTokens) and logprobs != "list":
        ask = SGLang(client, tokens.render, tokens.tokenise).chat
        server = replace(server, logprobs="ids")
    return ServerModel(client, server, tokens, name=shown, max_audio_s=max_audio_s, ask=ask)


def _tokens(client: Client, server: Server, tokenizer: str | None) -> Tokens:
    if tokenizer is not None:
        return TokenizerTokens(tokenizer)
    on_demand = ServerTokens(client, server.model)
    try:
        client.run(on_demand.ask("yes"))
    except AmbivoxError:
        if server.logprobs == "ids":
            raise UsageError(f"{server.base_url} tokenizes nothing: name the model's tokenizer") from None
        return TextTokens()
    return on_demand


class ServerModel:
    """A `SpeechModel` on a server; see `load_openai`."""

    fingerprint_holds_weights = False

    def __init__(
        self,
        client: Client,
        server: Server,
        tokens: Tokens,
        *,
        name: str,
        max_audio_s: float | None = None,
        ask: Chat | None = None,
    ) -> None:
        self.client = client
        self.server = server
        self.name = name
        self.max_audio_s = max_audio_s
        self._tokens = tokens
        self._ask = ask or client.chat
        self._ids: dict[str, int] = {}
        self._prompt_tokens: dict[str, asyncio.Task[int | None]] = {}

    @property
    def fingerprint(self) -> str:
        """A hash of the address, the model and all that the server says of itself; not of its weights."""
        return self.server.fingerprint

    def label_tokens(self, answers: Sequence[Sequence[str]], *, numbers: bool = False) -> LabelTokens:
        """The label tokens, for the written forms of each label, and for numbers if asked."""
        found = self._tokens.label_tokens(answers, numbers=numbers)
        self._ids |= {text: token for token, text in zip(found.token_ids, found.tokens, strict=True)}
        if self._tokens.exact:
            later = {token for sequence in found.sequences for token in sequence[1:]}
            self._ids |= {self._tokens.decode([token]): token for token in later - {*found.token_ids}}
        return found

    def generate(self, requests: Sequence[Request]) -> list[Reply]:
        """Answer greedily, at most ``request.prompt.max_new_tokens`` tokens each.

        Raises:
            UsageError: layers are asked for, which no server shows.
            PartlyAnsweredError: some failed.
        """
        if any(request.lens for request in requests):
            raise UsageError(f"{self.name}: a server does not show its layers: leave out the readout 'lens'")
        parts = _audio_parts(requests)
        answers = self.client.run_all(
            [self._reply(request, part) for request, part in zip(requests, parts, strict=True)]
        )
        replies = [answer for answer in answers if isinstance(answer, Reply)]
        if len(replies) < len(answers):
            raise PartlyAnsweredError(answers)
        return replies

    def score(self, requests: Sequence[Request]) -> list[NDArray[np.float64]]:
        """For each request, shape ``(S,)``: log p(label sequence | clip, prompt) in nats.

        Raises:
            AmbivoxError: the server does not tell them; `generate` gives bounds where there are some.
        """
        scores = []
        for reply in self.generate([replace_score(request) for request in requests]):
            if reply.sequence_logp is None or reply.sequence_bounded is not None:
                raise AmbivoxError(f"{self.name}: the server tells the probabilities of some labels only")
            scores.append(reply.sequence_logp)
        return scores

    async def _reply(self, request: Request, audio: dict[str, Any] | None) -> Reply:
        begun = time.perf_counter()
        turn = user_turn(audio, request.prompt.text)
        bodies = [
            {"messages": [turn], "max_tokens": request.prompt.max_new_tokens, **self._question(ids)}
            for ids in self._in_parts(request.label_tokens.token_ids)
        ]
        try:
            answers = [await self._ask(body) for body in bodies]
            for answer in answers:
                self._assert_same_backend(answer)
            draws = await self._draw(request, turn) if request.n_draws else ()
            audio_tokens = await self._audio_tokens(request, answers[0]) if audio else 0
            text, finish = _said(answers[0]["choices"][0])
            steps = self._steps(request, answers, text)
            found = listed_values(steps, request.label_tokens.token_ids)
            scored = await self._score(request, turn, answers[0], steps) if request.score else None
        except AmbivoxError as error:
            raise type(error)(f"{request.name}: {error}") from None
        exact = self.server.logprobs == "ids" or not found.bounded.any()
        return Reply(
            text=text,
            token_ids=tuple(step.token for step in steps),
            token_logits=found.token_logits,
            logsumexp=np.zeros(len(steps), np.float32),
            finish=finish,
            audio_tokens=audio_tokens,
            time_s=time.perf_counter() - begun,
            draws=draws,
            sequence_logp=None if scored is None else scored[0],
            bounded=None if exact else found.bounded,
            unlisted_logp=None if exact else found.unlisted_logp,
            sequence_bounded=scored[1] if scored is not None and scored[1].any() else None,
            left_out=found.left_out,
        )

    def _assert_same_backend(self, answer: Mapping[str, Any]) -> None:
        told, known = str(answer.get("system_fingerprint") or ""), self.server.backend
        if known is not None and "system_fingerprint" in answer and told != known:
            change = f"{told or 'unnamed'}, before {known or 'unnamed'}"
            raise UnreachableError(
                f"another backend answers ({change}): run the study again, or set any_backend"
            )

    def _question(self, ids: Sequence[int]) -> dict[str, Any]:
        return question(self.server.model, self.server.logprobs, self.server.listed, list(ids))

    def _in_parts(self, ids: Sequence[int]) -> list[Sequence[int]]:
        """What is asked at a time: by id at most `MAX_IDS`, otherwise all at once."""
        if self.server.logprobs != "ids":
            return [ids]
        return [ids[n : n + MAX_IDS] for n in range(0, len(ids), MAX_IDS)]

    def _steps(self, request: Request, answers: Sequence[Mapping[str, Any]], text: str) -> list[Step]:
        """What the server tells of each step, the parts put together."""
        parts = [read_steps(answer["choices"][0], self._id_of) for answer in answers]
        first = parts[0]
        if self.server.logprobs != "ids":
            if any(len(step.listed) + len(step.control) < 2 for step in first):
                raise UnreachableError("the server listed no other tokens this time (top_logprobs)")
            if first:
                assert_same_text(first, text)
            elif self.server.logprobs == "list" and text:
                raise UnreachableError("the server gave no log-probabilities this time")
            return first
        written = [step.token for step in first]
        if any([step.token for step in part] != written for part in parts):
            raise UnreachableError(
                "the server answered the same question in two ways: its batches are not exact"
            )
        if answers[0]["choices"][0].get("token_ids", written) != written:
            raise UnreachableError("log-probabilities of other tokens than those of the answer")
        merged = [
            Step(steps[0].token, "", {i: p for step in steps for i, p in step.listed.items()}, {}, 0.0)
            for steps in zip(*parts, strict=True)
        ]
        for step in merged:
            if not set(request.label_tokens.token_ids) <= step.listed.keys():
                raise UnreachableError("the server left out tokens that were asked for")
        return merged

    def _id_of(self, text: str) -> int:
        """The id of a token that is known by its text: that of a label, or one that stands for the text."""
        return self._ids.get(text) or stand_in(text)

    async def _score(
        self, request: Request, turn: dict[str, Any], answer: Mapping[str, Any], steps: Sequence[Step]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Log-probabilities of the label sequences, or upper bounds, and which are bounds; each ``(S,)``."""
        following: dict[_Ids, dict[int, None]] = {}
        for sequence in request.label_tokens.sequences:
            for n, token in enumerate(sequence):
                following.setdefault(sequence[:n], {})[token] = None
        if self.server.logprobs == "ids":
            prompt = tuple(answer.get("prompt_token_ids") or ())
            begun = [prefix for prefix in following if prefix]
            asked = [self._after(turn, prompt, prefix, list(following[prefix])) for prefix in begun]
            told = dict(zip(begun, await asyncio.gather(*asked), strict=True))
            told[()] = steps[0] if steps else None
        else:
            written = tuple(step.token for step in steps)
            told = {written[:n]: step for n, step in enumerate(steps)}
        values: dict[_Ids, dict[int, tuple[float, bool]]] = {}
        for prefix, tokens in following.items():
            step = told.get(prefix)
            if step is None:  # nothing is known: at most 1
                values[prefix] = dict.fromkeys(tokens, (0.0, True))
                continue
            found = listed_values([step], list(tokens))
            pairs = zip(found.token_logits[0].tolist(), found.bounded[0].tolist(), strict=True)
            values[prefix] = dict(zip(tokens, pairs, strict=True))
        terms = [[values[s[:n]][token] for n, token in enumerate(s)] for s in request.label_tokens.sequences]
        return (
            np.array([sum(logp for logp, _ in one) for one in terms], dtype=np.float64),
            np.array([any(bound for _, bound in one) for one in terms], dtype=np.bool_),
        )

    async def _after(
        self, turn: dict[str, Any], prompt: _Ids, prefix: _Ids, ids: Sequence[int]
    ) -> Step | None:
        """What follows the beginning of an answer; None where the server reads the beginning otherwise."""
        begun = {"role": "assistant", "content": self._tokens.decode(prefix)}
        forced = {"add_generation_prompt": False, "continue_final_message": True, "max_tokens": 1}
        listed: dict[int, float] = {}
        for part in self._in_parts(ids):
            answer = await self._ask({"messages": [turn, begun], **forced, **self._question(part)})
            if not prompt or tuple(answer.get("prompt_token_ids") or ()) != prompt + prefix:
                return None
            steps = read_steps(answer["choices"][0], self._id_of)
            if not steps or not set(part) <= steps[0].listed.keys():
                raise UnreachableError("the server left out tokens that were asked for")
            listed |= steps[0].listed
        return Step(-1, "", listed, {}, 0.0)

    async def _draw(self, request: Request, turn: dict[str, Any]) -> tuple[str, ...]:
        """Sampled answers: all at once where the server can, else one by one."""
        body = self._question([0]) | {"messages": [turn], "max_tokens": request.prompt.max_new_tokens}
        for field in ("logprobs", "top_logprobs", "logprob_token_ids", "return_tokens_as_token_ids"):
            body.pop(field, None)
        body |= {"temperature": request.temperature, "top_p": 1.0, "n": request.n_draws}
        draws: list[str] = []
        while len(draws) < request.n_draws:
            body |= {"n": request.n_draws - len(draws), "seed": (request.seed + len(draws)) % 2**31}
            answer = await self.client.chat(body)
            draws += [_said(choice)[0] for choice in answer["choices"]]
        return tuple(draws[: request.n_draws])

    async def _audio_tokens(self, request: Request, answer: Mapping[str, Any]) -> int:
        """How many positions of the prompt stand for the audio; 0 where the server does not say.

        Raises:
            AmbivoxError: none do, so it answered from the text.
        """
        usage = answer.get("usage") or {}
        details = usage.get("prompt_tokens_details") or {}
        told = details.get("audio_tokens") or (details.get("multimodal_tokens") or {}).get("audio")
        if isinstance(told, int) and told > 0:
            return told
        with_audio, without = usage.get("prompt_tokens"), await self._without_audio(request.prompt.text)
        if not isinstance(with_audio, int) or not without:
            return 0
        if with_audio <= without:
            raise AmbivoxError(
                f"the server dropped the clip and answered from the text: its prompt has {with_audio} tokens "
                f"with the clip and {without} without; serve a model that hears"
            )
        return with_audio - without

    async def _without_audio(self, text: str) -> int | None:
        """How many tokens a prompt has without a clip, asked once for each prompt."""
        if text not in self._prompt_tokens:
            self._prompt_tokens[text] = asyncio.ensure_future(self._count(text))
        return await asyncio.shield(self._prompt_tokens[text])

    async def _count(self, text: str) -> int | None:
        body = {"model": self.server.model, "temperature": 0, "max_tokens": 1}
        answer = await self.client.chat(body | {"messages": [user_turn(None, text)]})
        count = (answer.get("usage") or {}).get("prompt_tokens")
        return count if isinstance(count, int) else None


def replace_score(request: Request) -> Request:
    """The request with the probabilities of whole labels, and one token of an answer."""
    return replace(request, score=True, n_draws=0, prompt=replace(request.prompt, max_new_tokens=1))


def _audio_parts(requests: Sequence[Request]) -> list[dict[str, Any] | None]:
    """The clips as parts of messages, each encoded once."""
    parts: dict[int, dict[str, Any]] = {}
    for request in requests:
        if request.samples is not None and id(request.samples) not in parts:
            parts[id(request.samples)] = audio_part(request.samples)
    return [None if request.samples is None else parts[id(request.samples)] for request in requests]


def _said(choice: Mapping[str, Any]) -> tuple[str, Literal["stop", "length"]]:
    """The text of an answer, a refusal included, and how it ended."""
    message = choice.get("message")
    if not isinstance(message, dict):
        raise UnreachableError("an answer without a message")
    text = message.get("content") or message.get("refusal") or ""
    if not isinstance(text, str):
        raise UnreachableError("an answer that is not text")
    return text, "length" if choice.get("finish_reason") == "length" else "stop"
