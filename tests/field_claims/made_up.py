"""Paired levels of known quality: what each level knows of a clip is set, not heard."""

import numpy as np

from ambivox.field_claims.paired import Paired
from ambivox.metrics import METRICS, vote_prior
from ambivox.scoring.keys import RowKey
from ambivox.scoring.readings import Clips

LABELS = 4


def mix(p, knows):
    """A level that knows a part of the truth, and is flat otherwise."""
    return knows * p + (1 - knows) / p.shape[-1]


def sharp(p):
    return np.eye(p.shape[-1])[p.argmax(axis=-1)]


def make_clips(n_speakers=20, clips_each=6, raters=9, seed=0):
    rng = np.random.default_rng(seed)
    n_clips = n_speakers * clips_each
    shares = rng.dirichlet(np.full(LABELS, 0.5), size=n_clips)
    votes = rng.multinomial(raters, shares)
    q = votes / raters
    speakers = tuple(f"s{u // clips_each}" for u in range(n_clips))
    codes = np.arange(n_clips) // clips_each
    names = tuple(f"c{u}" for u in range(n_clips))
    prior = vote_prior(q, speakers).p
    return shares, Clips(names, speakers, votes, q, prior, codes, "speakers")


def make_paired(text, token, *, n_prompts=2, n_orders=2, jitter=0.0, others=(), seed=1, **clips):
    """`text` and `token` are functions from true shares to predictions, the same for every prompt."""
    shares, made = make_clips(**clips)
    rng = np.random.default_rng(seed)
    heard = {"clip": (text, token), **dict(others)}
    p = {}
    for name, levels in heard.items():
        for level, function in zip(("text", "token"), levels, strict=True):
            per_prompt = []
            for _ in range(n_prompts):
                rows = np.stack([function(shares) for _ in range(n_orders)])
                moved = np.abs(rows + jitter * rng.normal(size=rows.shape))
                per_prompt.append(moved / moved.sum(axis=-1, keepdims=True))
            p[level, name] = tuple(per_prompt)
    keys = {
        level: tuple(
            RowKey("made up", "model", prompt=f"prompt{c}", readout=readout) for c in range(n_prompts)
        )
        for level, readout in (("text", "label"), ("token", "first"))
    }
    return Paired("made up", "model", made, 0, METRICS["jsd_bits"], "uniform", keys, p)
