"""What a server is and what it can do: asked once, when a model is loaded."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from ambivox.errors import AmbivoxError, UnreachableError, UsageError, unknown_name
from ambivox.models.openai.chat import user_turn
from ambivox.models.openai.client import Client
from ambivox.models.openai.logprobs import read_steps
from ambivox.models.openai.tokens import stand_in

Logprobs = Literal["ids", "list", "none"]
"""What a server tells of a step: log-probabilities of the tokens that are named by id, a list of the most
probable tokens, or nothing."""

LONGEST_LISTS = {"llamacpp": 100, "sglang": 100}
"""How many tokens are listed where the server says who it is; others list 20 at most."""
LISTED = (20, 5)
"""Tried in this order elsewhere."""

RECENT_S = 86_400.0
"""Some servers write the present time as that of the model's making."""


@dataclass(frozen=True)
class Server:
    """One model on one server."""

    base_url: str
    model: str
    card: Mapping[str, Any]
    """What the server says of the model: its owner, root, length."""
    backend: str | None
    """The `system_fingerprint` of its answers; empty where it gives none, None where any will do."""
    logprobs: Logprobs
    listed: int
    """How many tokens it lists at a step."""

    @property
    def fingerprint(self) -> str:
        """A hash of the address, the model and all that the server says of itself."""
        facts = [urlsplit(self.base_url).netloc, self.model, self.card, self.backend]
        return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


async def look(client: Client, model: str, wanted: Logprobs | None, listed: int | None) -> Server:
    """Ask a server what it serves, and try what it tells of a step.

    Args:
        model: its name there; empty takes the one that is served.
        wanted: in place of the first of `Logprobs` that works.
        listed: how many tokens to list at a step, in place of the most that are usual.

    Raises:
        UsageError: no such model, or several and none is named; or it cannot what is wanted.
        AmbivoxError: the server cannot be asked.
    """
    cards = await _cards(client, needed=not model)
    if not model:
        if len(cards) != 1:
            names = ", ".join(sorted(cards)) or "none"
            raise UsageError(f"{client.base_url} serves {names}: name one, as openai:NAME with base_url")
        [model] = cards
    elif cards and model not in cards:
        raise unknown_name(f"model at {client.base_url}", model, cards)
    card = cards.get(model, {})
    owner = str(card.get("owned_by", ""))
    tries: list[tuple[Logprobs, int]] = [("ids", 0)] if owner == "vllm" or wanted == "ids" else []
    tries += [
        ("list", n) for n in ((listed,) if listed else (LONGEST_LISTS.get(owner, LISTED[0]), *LISTED[1:]))
    ]
    tries.append(("none", 0))
    for logprobs, n in tries:
        if wanted and logprobs != wanted:
            continue
        backend = await _try(client, model, logprobs, n)
        if backend is not None:
            return Server(client.base_url, model, card, backend, logprobs, n)
    raise UsageError(f"{client.base_url}: gives no log-probabilities in this way (logprobs={wanted})")


async def _cards(client: Client, *, needed: bool) -> dict[str, dict[str, Any]]:
    """What is served, by name."""
    try:
        data = (await client.get("/models")).get("data")
    except UnreachableError:
        raise
    except AmbivoxError:
        if needed:
            raise
        return {}  # some services list nothing
    entries = (
        [e for e in data if isinstance(e, dict) and isinstance(e.get("id"), str)]
        if isinstance(data, list)
        else []
    )
    return {entry["id"]: _lasting(entry) for entry in entries}


def _lasting(card: Mapping[str, Any]) -> dict[str, Any]:
    """What of a card stays the same from one call to the next."""
    kept = {
        key: card[key] for key in ("id", "root", "parent", "max_model_len", "owned_by", "meta") if key in card
    }
    created = card.get("created")
    if isinstance(created, int | float) and created < time.time() - RECENT_S:
        kept["created"] = created
    return kept


async def _try(client: Client, model: str, logprobs: Logprobs, listed: int) -> str | None:
    """The backend's fingerprint if it answers so, else None."""
    ids = [0, 1, 2]
    body = question(model, logprobs, listed, ids) | {
        "messages": [user_turn(None, "Say yes.")],
        "max_tokens": 2,
    }
    try:
        answer = await client.chat(body)
    except UnreachableError:
        raise
    except AmbivoxError:
        if logprobs == "none":
            raise
        return None
    if logprobs != "none":
        steps = read_steps(answer["choices"][0], stand_in)
        if not steps or (logprobs == "ids" and not set(ids) <= set(steps[0].listed)):
            return None
        if logprobs == "list" and len(steps[0].listed) < 2:
            return None
    return str(answer.get("system_fingerprint") or "")


def question(model: str, logprobs: Logprobs, listed: int, ids: list[int]) -> dict[str, Any]:
    """The part of a request that all have: greedy, with what is to be told of each step."""
    body: dict[str, Any] = {"model": model, "temperature": 0}
    if logprobs == "none":
        return body
    body["logprobs"] = True
    if logprobs == "list":
        return body | {"top_logprobs": listed}
    # vLLM's: named ids, as ids; and what the checkpoint's own generation settings would change.
    body |= {"logprob_token_ids": ids, "return_tokens_as_token_ids": True, "return_token_ids": True}
    return body | {"repetition_penalty": 1.0, "top_p": 1.0, "top_k": 0, "min_p": 0.0}
