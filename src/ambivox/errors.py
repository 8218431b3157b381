"""Errors that the user can fix: one line that says what is wrong, where, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class AmbivoxError(Exception):
    """A failure that is not the user's usage: an unreadable clip, a full disk (exit code 1)."""

    exit_code = 1


class UsageError(AmbivoxError):
    """A mistake in what was asked for: an unknown name or key, a malformed file (exit code 2)."""

    exit_code = 2


class UnfinishedRunError(AmbivoxError):
    """A run whose plan is not wholly recorded was asked for its results (exit code 3)."""

    exit_code = 3


class SomeFailedError(AmbivoxError):
    """A run went through, and some of its requests failed (exit code 4)."""

    exit_code = 4


class OtherVersionError(AmbivoxError):
    """Records of another version of this program, which are neither read nor overwritten."""


class UnreachableError(AmbivoxError):
    """A server that gives no usable answer now, and may later: the request says nothing of the clip."""


class AudioError(AmbivoxError):
    """A clip that cannot be heard as asked; in a study it becomes a failed row with this reason."""


def no_such_clip(path: object) -> AudioError:
    """The error for a sound file that is not there, told before what decodes is imported."""
    return AudioError(f"{path}: no such file: check the path or download the audio")


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for a name that nobody registered, with the nearest known names.

    >>> print(unknown_name("prompt", "wrod", ["word", "letter"]))
    unknown prompt 'wrod': did you mean 'word'? (known: letter, word)
    """
    names = sorted(known)
    near = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.5)
    hint = "did you mean " + " or ".join(repr(n) for n in near) + "? " if near else ""
    return UsageError(f"unknown {kind} {name!r}: {hint}(known: {', '.join(names) or 'none'})")


def first_line(error: object) -> str:
    """The first line of what another library has to say.

    >>> first_line(ValueError("no such key: 'a'\\n  in line 3"))
    "no such key: 'a'"
    """
    return next(iter(str(error).splitlines()), type(error).__name__)
