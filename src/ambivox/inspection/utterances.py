"""A row for each utterance: how its raters voted, how sure that is, and the truth under a named method."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ambivox.choices import TruthMethod
from ambivox.corpora import Corpus
from ambivox.emotions import EmotionSet
from ambivox.metrics import entropy_bits
from ambivox.raters.truth import standard_error, truth_from_raters, vote_counts


def utterance_table(corpus: Corpus, emotions: EmotionSet, truth_method: TruthMethod = "shares") -> pa.Table:
    """One row per utterance, in the order of the corpus.

    Columns: ``id``, ``speaker``, ``partition``, ``raters`` (None where it is not known who voted), ``votes``
    (inside the set, 0 where only shares are known), ``entropy_bits`` (of the shares of the votes), and for
    each label ``votes.LABEL``, ``standard_error.LABEL`` (of its share) and ``truth.LABEL`` (its probability
    by `truth_method`). Numbers that are not defined are null.

    Args:
        corpus: with votes.
        emotions: the set; votes outside it are dropped.
        truth_method: a name of `TRUTH_METHODS`.

    Raises:
        UsageError: a method that must know who voted where that is not known.
    """
    counts = vote_counts(corpus, emotions)
    shares = truth_from_raters(corpus, emotions).p
    rated = ~np.isnan(shares).any(axis=1)
    entropy = np.full(len(corpus), np.nan)
    entropy[rated] = entropy_bits(shares[rated])
    truth, errors = truth_from_raters(corpus, emotions, truth_method).p, standard_error(counts)
    raters = [sum(not r.by_speaker for r in u.ratings) or None for u in corpus]
    columns: dict[str, pa.Array] = {
        "id": pa.array([u.id for u in corpus]),
        "speaker": pa.array([u.speaker for u in corpus], pa.string()),
        "partition": pa.array([u.partition for u in corpus], pa.string()),
        "raters": pa.array(raters, pa.int64()),
        "votes": pa.array(counts.sum(axis=1).astype(np.int64)),
        "entropy_bits": pa.array(entropy, from_pandas=True),
    }
    for n, label in enumerate(emotions.labels):
        columns[f"votes.{label}"] = pa.array(counts[:, n].astype(np.int64))
        columns[f"standard_error.{label}"] = pa.array(errors[:, n], from_pandas=True)
        columns[f"truth.{label}"] = pa.array(truth[:, n], from_pandas=True)
    return pa.table(columns)
