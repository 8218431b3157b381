"""A speech model's text decoder, run on any arrangement of tokens, with audio that was encoded before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor

Change = Callable[[tuple[Any, ...], dict[str, Any]], Any]
"""Arguments and keyword arguments of a module -> the same, changed."""

Masks = Tensor | dict[str, Tensor]


class NotSharableError(Exception):
    """The family does not allow what the shared path needs; says why."""


class TextModel:
    """Runs the whole model on text with its own code, so that embeddings, scaling and caps stay its own.

    Only three things are done from outside: the embeddings of audio placeholders are put in, attention
    masks and positions are given, and the output layer sees the positions that are asked for alone.

    Args:
        model: a loaded model.
        audio_token: its placeholder for audio.
        fixed: keyword arguments of every forward pass.

    Raises:
        NotSharableError: no text decoder or output layer is found, or its attention is of an unknown kind.
    """

    def __init__(self, model: Any, audio_token: int, fixed: dict[str, Any]) -> None:
        self.model, self.audio_token, self.fixed = model, audio_token, fixed
        self.decoder, self.head = model.get_decoder(), model.get_output_embeddings()
        if self.decoder is model or self.head is None:
            raise NotSharableError("its text decoder or output layer is not found")
        config = model.config.get_text_config()
        if model.config._attn_implementation not in ("sdpa", "eager"):
            raise NotSharableError(
                f"{model.config._attn_implementation} takes no attention mask of one's own"
            )
        self.kinds = set(getattr(config, "layer_types", None) or ())
        if not self.kinds <= {"full_attention", "sliding_attention"}:
            raise NotSharableError(f"its layers are of the kinds {', '.join(sorted(self.kinds))}")
        self.window: int | None = getattr(config, "sliding_window", None)
        if self.kinds == {"full_attention"}:
            self.window = None

    def __call__(
        self,
        tokens: Tensor,
        positions: Tensor,
        sees: Tensor,
        cache: Any,
        *,
        key_positions: Tensor | None = None,
        audio: Tensor | None = None,
        keep: Tensor | None = None,
    ) -> Tensor:
        """Raw logits.

        Args:
            tokens, positions: shape ``(B, n)``.
            sees: shape ``(B, n, m)``, which tokens of the cache, these n among them, each sees.
            cache: a `TreeCache` or `RowCache`.
            key_positions: shape ``(B, m)``, needed where attention has a sliding window.
            audio: shape ``(placeholders, width)``, embeddings in the order of the placeholders in `tokens`.
            keep: positions whose logits are wanted; all by default.

        Returns:
            Shape ``(B, n or len(keep), V)`` float32.
        """
        with ExitStack() as stack:
            if audio is not None:
                stack.enter_context(self._before(self.decoder, self._put_audio(tokens, audio)))
            if keep is not None:
                stack.enter_context(self._before(self.head, _keep(keep)))
            logits: Tensor = self.model(
                input_ids=tokens,
                position_ids=positions,
                attention_mask=self._masks(sees, positions, key_positions),
                past_key_values=cache,
                use_cache=True,
                **self.fixed,
            ).logits
        return logits.float()

    def _masks(self, sees: Tensor, positions: Tensor, key_positions: Tensor | None) -> Masks:
        if self.window is None:
            return self._additive(sees)
        assert key_positions is not None
        near = positions[:, :, None] - key_positions[:, None, :] < self.window
        if not self.kinds:
            return self._additive(sees & near)
        masks = {"full_attention": self._additive(sees), "sliding_attention": self._additive(sees & near)}
        return {kind: masks[kind] for kind in self.kinds}

    def _additive(self, sees: Tensor) -> Tensor:
        mask = torch.zeros(sees.shape, dtype=self.model.dtype, device=sees.device)
        return mask.masked_fill_(~sees, -torch.inf)[:, None]

    def _put_audio(self, tokens: Tensor, audio: Tensor) -> Change:
        places = tokens == self.audio_token

        def put(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            embeddings = kwargs["inputs_embeds"].clone()
            embeddings[places] = audio.to(embeddings.dtype)
            return args, kwargs | {"inputs_embeds": embeddings}

        return put

    @contextmanager
    def _before(self, module: Any, change: Change) -> Iterator[None]:
        hook = module.register_forward_pre_hook(
            lambda _module, args, kwargs: change(args, kwargs), with_kwargs=True
        )
        try:
            yield
        finally:
            hook.remove()


def _keep(places: Tensor) -> Change:
    def keep(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return (args[0][:, places], *args[1:]), kwargs

    return keep
