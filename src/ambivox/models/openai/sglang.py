"""SGLang's own endpoint, which tells log-probabilities of named tokens; its chat endpoint lists some only.

It takes a prompt as text, so the model's own tokenizer has to write the chat. What comes back is put as a
chat completion of vLLM's, so that all else reads one form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ambivox.errors import UnreachableError
from ambivox.models.openai.client import Client

Render = Callable[[Sequence[Mapping[str, Any]]], str]
"""Messages -> the text of the prompt; a last message of the assistant's is left open."""


class SGLang:
    """Asks ``/generate`` for what a chat completion would be asked.

    Args:
        client: of the server.
        render: writes the chat.
        tokenise: text -> ids, to see whether the beginning of an answer is read as meant.
    """

    def __init__(self, client: Client, render: Render, tokenise: Callable[[str], Sequence[int]]) -> None:
        self._client, self._render, self._tokenise = client, render, tokenise

    async def chat(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """A chat completion with the log-probabilities of ``logprob_token_ids`` at every step."""
        text = self._render(body["messages"])
        parts = [
            part for message in body["messages"] for part in message["content"] if isinstance(part, dict)
        ]
        sounds = [part["input_audio"]["data"] for part in parts if part["type"] == "input_audio"]
        asked: dict[str, Any] = {
            "text": text,
            "sampling_params": {"temperature": 0, "max_new_tokens": body["max_tokens"]},
            "return_logprob": True,
            "token_ids_logprob": body["logprob_token_ids"],
        }
        if sounds:
            asked["audio_data"] = [f"data:audio/wav;base64,{sound}" for sound in sounds]
        given = await self._client.post(f"{self._client.root}/generate", asked)
        try:
            return _as_chat(given) | {"prompt_token_ids": list(self._tokenise(text))}
        except (KeyError, TypeError, IndexError, ValueError):
            raise UnreachableError(
                f"{self._client.base_url}: an answer of /generate of another form"
            ) from None


def _as_chat(given: Mapping[str, Any]) -> dict[str, Any]:
    meta = given["meta_info"]
    content = [
        {**_entry(written), "top_logprobs": [_entry(one) for one in told]}
        for written, told in zip(
            meta["output_token_logprobs"], meta["output_token_ids_logprobs"], strict=True
        )
    ]
    choice = {
        "message": {"content": given["text"]},
        "finish_reason": meta["finish_reason"]["type"],
        "token_ids": [int(written[1]) for written in meta["output_token_logprobs"]],
        "logprobs": {"content": content},
    }
    return {"choices": [choice], "usage": {"prompt_tokens": meta.get("prompt_tokens")}}


def _entry(told: Sequence[Any]) -> dict[str, Any]:
    """SGLang's ``[log-probability, id, text]``."""
    return {"token": f"token_id:{int(told[1])}", "logprob": told[0]}
