"""How much goes through a model at a time, and what happens when it is too much."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch


class Budget:
    """Rows and tokens at a time, halved whenever memory runs out.

    Args:
        rows: answers at a time.
        tokens: tokens of all rows together.
    """

    def __init__(self, rows: int, tokens: int) -> None:
        self.rows, self.tokens = rows, tokens

    @contextmanager
    def halved_on_overflow(self) -> Iterator[None]:
        """Swallow an overflow of memory and halve the budget, for the caller to try again with what is left.

        Raises:
            RuntimeError: not even one row fits.
        """
        try:
            yield
        except RuntimeError as error:
            if not is_overflow(error) or (self.rows == 1 and self.tokens == 1):
                raise
            overflow = str(error).strip().splitlines()[0]
        else:
            return
        self.rows, self.tokens = max(1, self.rows // 2), max(1, self.tokens // 2)
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        warnings.warn(
            f"out of memory ({overflow[:80]}): going on with {self.rows} rows and {self.tokens} tokens",
            RuntimeWarning,
            stacklevel=2,
        )


def is_overflow(error: BaseException) -> bool:
    """Whether an error of torch says that memory ran out, on an accelerator or on the CPU."""
    said = any(words in str(error) for words in ("can't allocate memory", "out of memory"))
    return said or isinstance(error, torch.OutOfMemoryError)
