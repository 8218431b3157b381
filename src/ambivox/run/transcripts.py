"""What is said in clips of a corpus without transcripts, as a model wrote it down in another run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ambivox.corpora import Corpus
from ambivox.errors import UsageError
from ambivox.run_folder import Run


def with_transcripts(corpora: Iterable[Corpus], folder: Path) -> list[Corpus]:
    """The corpora, each utterance without a transcript with the one that a run holds for it, if any.

    Args:
        folder: of the run of a model that writes down what is said, such as Whisper. Transcripts that were
            cut off are left out; of several models, the first of the study counts.

    Raises:
        UsageError: no such run, or one without transcripts.
        UnfinishedRunError: the run is unfinished.
    """
    written: dict[tuple[str, str], str] = {}
    for record in Run(folder).records():
        reply, utterance = record.reply, record.asked.utterance
        if reply is None or reply.says != "transcript" or record.asked.control != "clip":
            continue
        if reply.finish == "stop" and reply.text:
            written.setdefault((utterance.corpus, utterance.id), reply.text)
    if not written:
        raise UsageError(
            f"{folder}: no transcripts in its records: give the run of a model that writes down what is "
            "said, such as whisper:openai/whisper-small"
        )
    return [
        corpus.keep(
            u if u.transcript else replace(u, transcript=written.get((corpus.name, u.id))) for u in corpus
        )
        for corpus in corpora
    ]
