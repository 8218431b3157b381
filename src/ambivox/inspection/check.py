"""Whether a copy of a corpus is whole (audio there and plausible, labels for all) and what to fix."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from ambivox.audio import SAMPLE_RATE_HZ
from ambivox.corpora import Corpus
from ambivox.corpora.load_issues import EXAMPLES, WITHOUT_AUDIO
from ambivox.corpora.splits import shared_speakers
from ambivox.inspection.durations import Durations, measure_durations

LONG_S = 60.0
"""A turn of speech longer than this is probably a whole recording that was not cut."""


@dataclass(frozen=True)
class CorpusCheck:
    """One thing that was checked.

    Args:
        passed: whether nothing needs to be done.
        caution: whether there is something to know of all the same.
        detail: what was found, counted and named.
        fix: what to do where it did not pass.
    """

    name: str
    passed: bool
    detail: str
    fix: str = ""
    caution: bool = False


def check_corpus(corpus: Corpus) -> list[CorpusCheck]:
    """Check a copy of a corpus.

    Args:
        corpus: loaded with ``require_audio=False`` where the loader has that option, so that clips without
            audio are seen.

    Returns:
        The checks, in the order in which fixing them makes sense. Every clip is decoded, as a run would.
    """
    found = measure_durations(corpus.utterances)
    return [
        *_findings(corpus),
        _present(corpus, found),
        _readable(found),
        *_odd(found),
        _plausible(found),
        _rates(found),
        *_labelled(corpus),
        *_partitions(corpus),
    ]


def _findings(corpus: Corpus) -> Iterator[CorpusCheck]:
    """What the loader met; a load issue that can be fixed is a failure, the others are for knowing."""
    # Audio is checked below, file by file.
    for load_issue in corpus.load_issues:
        if load_issue.code != WITHOUT_AUDIO:
            yield CorpusCheck(load_issue.what, not load_issue.fix, load_issue.detail, load_issue.fix)


def _present(corpus: Corpus, found: Durations) -> CorpusCheck:
    missing = found.missing
    detail = f"{len(corpus) - len(missing)} of {len(corpus)} clips" + (
        f"; without: {_some(missing)}" if missing else ""
    )
    fix = "copy or unpack the missing clips, or load what is there with require_audio"
    return CorpusCheck("audio present", not missing and len(corpus) > 0, detail, fix if missing else "")


def _readable(found: Durations) -> CorpusCheck:
    broken = found.unreadable
    detail = f"{len(found.seconds)} whole" + (
        f"; {len(broken)} not: {_some(broken.values())}" if broken else ""
    )
    return CorpusCheck(
        "audio readable", not broken, detail, "copy or pull these files again" if broken else ""
    )


def _odd(found: Durations) -> Iterator[CorpusCheck]:
    """What is odd about clips that can be read: silence is a failure, the rest is for knowing."""
    if found.silent:
        detail = f"{len(found.silent)} of digital silence: {_some(found.silent)}"
        yield CorpusCheck("audio holds sound", False, detail, "copy these clips again, or leave them out")
    for code, clips in found.cautions.items():
        first, text = next(iter(clips.items()))
        detail = f"{len(clips)} of {len(found.seconds)} clips: {_some(clips)}; {first}: {text}"
        yield CorpusCheck(f"audio: {code}", True, detail, caution=True)


def _plausible(found: Durations) -> CorpusCheck:
    s = found.seconds
    odd = [name for name, d in zip(found.utterances, s, strict=True) if d > LONG_S]
    if not len(s):
        return CorpusCheck("durations plausible", True, "no audio to measure")
    detail = f"{s.min():.2f} to {s.max():.2f} s, median {np.median(s):.2f} s, {found.hours:.2f} h in all"
    if odd:
        detail += f"; {len(odd)} over {LONG_S:g} s: {_some(odd)}"
    return CorpusCheck(
        "durations plausible", not odd, detail, "cut them, or give starts and ends" if odd else ""
    )


def _rates(found: Durations) -> CorpusCheck:
    low = sum(n for rate, n in found.sample_rates_hz.items() if rate < SAMPLE_RATE_HZ)
    rates = sorted(found.sample_rates_hz.items())
    detail = ", ".join(f"{rate} Hz: {n}" for rate, n in rates) or "no audio to measure"
    fix = f"models hear {SAMPLE_RATE_HZ} Hz: get the published audio, not a telephone copy" if low else ""
    return CorpusCheck("sample rates", not low, detail, fix)


def _labelled(corpus: Corpus) -> Iterator[CorpusCheck]:
    bare = [u.id for u in corpus if not (u.rated or u.intended or u.consensus)]
    detail = f"{len(corpus) - len(bare)} of {len(corpus)} clips" + (
        f"; without: {_some(bare)}" if bare else ""
    )
    fix = "add their votes, or leave these clips out" if bare else ""
    yield CorpusCheck("a label for every clip", not bare, detail, fix)
    unrated = [u.id for u in corpus if not u.rated]
    if unrated and len(unrated) < len(corpus):
        detail = f"{len(corpus) - len(unrated)} of {len(corpus)} clips; without: {_some(unrated)}"
        yield CorpusCheck("votes", True, f"{detail}; these cannot be scored")


def _partitions(corpus: Corpus) -> Iterator[CorpusCheck]:
    """Whether the published partitions share speakers; some do as published, so it is said and no fault."""
    if all(u.partition is None for u in corpus):
        return
    shared = shared_speakers(corpus)
    named = [f"{speaker} in {' and '.join(parts)}" for speaker, parts in shared.items()]
    unknown = sum(u.speaker is None for u in corpus)
    detail = "no speaker is in two"
    if shared:
        detail = f"{len(shared)} speakers are in several: {_some(named)}; leave them out of training"
    if unknown:
        detail += f"; {unknown:,} clips of unknown speaker could be of anybody"
    yield CorpusCheck("partitions apart", True, detail)


def _some(names: Collection[str]) -> str:
    first = list(names)[:EXAMPLES]
    return ", ".join(first) + (", ..." if len(names) > EXAMPLES else "")
