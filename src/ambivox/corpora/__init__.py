"""Corpora: utterances with the votes of their raters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ambivox.corpora._files import is_there
from ambivox.corpora._options import check_options
from ambivox.corpora.audformat import load_audformat
from ambivox.corpora.corpus import Corpus, Turn, Utterance
from ambivox.corpora.crema_d import load_crema_d
from ambivox.corpora.emo_db import load_emo_db, load_recognition_rates
from ambivox.corpora.four_class import FOUR_CLASS, FourClass, to_four_classes
from ambivox.corpora.hf_datasets import load_datasets
from ambivox.corpora.iemocap import load_iemocap
from ambivox.corpora.label_studio import load_label_studio
from ambivox.corpora.load_issues import LoadIssue
from ambivox.corpora.manifest import load_manifest
from ambivox.corpora.mesd import load_mesd
from ambivox.corpora.msp_podcast import load_msp_podcast
from ambivox.corpora.nemo import load_nemo
from ambivox.corpora.ravdess import load_ravdess
from ambivox.corpora.splits import SPLITS, Split, split_corpus
from ambivox.errors import UsageError
from ambivox.guarded import Guarded, a_, check_function, summary_of
from ambivox.raters.ratings import LABEL_CHOICES, LabelChoice, Rating, votes_of
from ambivox.registry import Registry

__all__ = [
    "CORPORA",
    "FOUR_CLASS",
    "LABEL_CHOICES",
    "SPLITS",
    "Corpus",
    "CorpusLoader",
    "FourClass",
    "LabelChoice",
    "LoadIssue",
    "Rating",
    "Split",
    "Turn",
    "Utterance",
    "load_audformat",
    "load_corpus",
    "load_crema_d",
    "load_datasets",
    "load_emo_db",
    "load_iemocap",
    "load_label_studio",
    "load_manifest",
    "load_mesd",
    "load_msp_podcast",
    "load_nemo",
    "load_ravdess",
    "load_recognition_rates",
    "split_corpus",
    "to_four_classes",
    "votes_of",
]


@dataclass(frozen=True)
class CorpusLoader:
    """How a corpus is read, ``load(path, **options)`` with options by keyword, and what it holds."""

    load: Callable[..., Corpus]
    description: str


def as_loader(name: str, item: object) -> CorpusLoader:
    """A loader from a `CorpusLoader`, or from a plain function ``(path, *, options) -> Corpus``."""
    if not isinstance(item, CorpusLoader):
        if not callable(item):
            raise ValueError(f"expected a CorpusLoader or a function (path), not {a_(item)}")
        item = CorpusLoader(item, summary_of(item))
    load = check_function(item.load, "path")
    return CorpusLoader(Guarded(f"corpus {name!r}", load, _as_corpus), item.description)


def _as_corpus(result: object, path: str | Path) -> Corpus:
    if not isinstance(result, Corpus):
        raise ValueError(f"its loader gives {a_(result)}, expected a Corpus")
    return result


CORPORA = Registry(
    "corpus",
    group="ambivox.corpora",
    accept=as_loader,
    built_in={
        "manifest": CorpusLoader(
            load_manifest,
            "your own clips: a CSV, TSV, JSONL or Parquet table of votes, ratings, shares or labels",
        ),
        "datasets": CorpusLoader(
            load_datasets, "Hugging Face datasets on disk, and Parquet files that hold the audio"
        ),
        "label-studio": CorpusLoader(
            load_label_studio, "Label Studio projects: the JSON export, with who gave which label"
        ),
        "audformat": CorpusLoader(
            load_audformat, "audformat databases (audb): tables of votes and gold standards"
        ),
        "iemocap": CorpusLoader(
            load_iemocap, "IEMOCAP (English, dialogues): votes of about 3 raters per turn, self-ratings"
        ),
        "msp-podcast": CorpusLoader(
            load_msp_podcast,
            "MSP-Podcast 1.6 to 2.0 (English, spontaneous): 5 and more raters, secondary labels",
        ),
        "crema-d": CorpusLoader(load_crema_d, "CREMA-D (English, acted): votes of about 9 raters per clip"),
        "emo-db": CorpusLoader(load_emo_db, "EMO-DB (German, acted): intended emotions, no votes"),
        "ravdess": CorpusLoader(load_ravdess, "RAVDESS speech (English, acted): intended emotions, no votes"),
        "nemo": CorpusLoader(load_nemo, "nEMO (Polish, acted): intended emotions, no votes"),
        "mesd": CorpusLoader(load_mesd, "MESD (Mexican Spanish, acted words): intended emotions, no votes"),
    },
)
"""All corpora by name; other packages add theirs as entry points of the group ``ambivox.corpora``."""


def load_corpus(name: str, path: str | Path, /, **options: Any) -> Corpus:
    """Load a corpus by name.

    Args:
        name: a name of `CORPORA`, for example ``manifest`` or ``crema-d``.
        path: the folder of the corpus, or the file of a manifest.
        options: the loader's own keyword arguments, for example ``votes="face"`` for CREMA-D.

    Raises:
        UsageError: an unknown corpus, nothing at the path, an option that the loader does not have or a value
            of the wrong kind, or files that are not as the loader expects them.
    """
    loader = CORPORA[name]
    if not is_there(Path(path)):
        raise UsageError(f"{path}: no such file or folder: where is the corpus {name!r}?")
    check_options(f"corpus {name!r}", loader.load, options)
    return loader.load(path, **options)
