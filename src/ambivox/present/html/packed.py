"""Data inside a page: whole thousandths, compressed."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import numpy as np

from ambivox.raters.distribution import Array

NOT_THERE = -1
"""Stands for a number or a status that there is not."""


def thousandths(values: Array) -> list[int]:
    """Numbers as whole thousandths, flat; `NOT_THERE` for ``nan``.

    >>> thousandths(np.array([0.25, np.nan]))
    [250, -1]
    """
    whole = np.where(np.isnan(values), NOT_THERE, np.rint(1000 * np.nan_to_num(values)))
    return whole.astype(np.int64).ravel().tolist()


def packed(columns: Any) -> str:
    """Plain data as compressed JSON in base64, the same bytes for the same data."""
    text = json.dumps(columns, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), 6, mtime=0)).decode("ascii")
