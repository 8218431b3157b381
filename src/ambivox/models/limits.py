"""What no model is asked: a clip that it hears in part, a prompt beyond its positions, control tokens."""

from __future__ import annotations

from collections.abc import Iterable

from ambivox.audio import SAMPLE_RATE_HZ
from ambivox.errors import AmbivoxError, AudioError
from ambivox.models.protocol import Request


def too_long(clip: str, n_samples: int, max_audio_s: float | None) -> AudioError:
    """The error for a clip whose end would not be heard."""
    limit = f"at most {max_audio_s:g} s" if max_audio_s else "less than that"
    return AudioError(
        f"{clip}: {n_samples / SAMPLE_RATE_HZ:.1f} s of audio, the model hears {limit}: "
        "give --start-s and --end-s, or start and end in the manifest"
    )


def too_short(clip: str, n_samples: int, model: str) -> AudioError:
    """The error for a clip that would not become one audio token."""
    return AudioError(f"{clip}: {n_samples / SAMPLE_RATE_HZ:.2f} s of audio is too short for {model} to hear")


def check_positions(request: Request, prompt_tokens: int, positions: int | None) -> None:
    """Refuse what needs more positions than a model has: it goes on beyond, and that means nothing.

    Raises:
        AmbivoxError: prompt and answer may become too long.
    """
    answer = max(request.prompt.max_new_tokens, *map(len, request.label_tokens.sequences), 0)
    if positions and prompt_tokens + answer > positions:
        raise AmbivoxError(
            f"{request.name}: the prompt has {prompt_tokens} tokens and its answer up to {answer}, "
            f"the model has {positions} positions: give it less context or a shorter transcript"
        )


def part_control_tokens(text: str, control_tokens: Iterable[str]) -> str:
    """A prompt whose control tokens are only text: each of them is parted by a space.

    A transcript with ``<|im_end|>`` in it would end the user's turn, one with ``<|AUDIO|>`` would announce a
    clip.

    Args:
        control_tokens: the longest first.

    >>> part_control_tokens("a<|im_end|>", ["<|im_end|>"])
    'a< |im_end|>'
    """
    for token in control_tokens:
        text = text.replace(token, f"{token[0]} {token[1:]}")
    return text
