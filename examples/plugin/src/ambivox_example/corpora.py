"""A corpus: a function from a path to utterances with their votes."""

from pathlib import Path

from ambivox import Corpus, UsageError, Utterance


def load_folders(path: str | Path, *, ending: str = ".wav") -> Corpus:
    """Clips in one folder per emotion, whose name is taken for the one vote on each clip.

    Args:
        path: the folder of the folders.
        ending: of the files that are clips.
    """
    clips = sorted(Path(path).glob(f"*/*{ending}"))
    if not clips:
        raise UsageError(f"{path}: no folders with {ending} files: give the folder that holds them")
    utterances = (
        Utterance(id=f"{clip.parent.name}/{clip.stem}", audio=clip, votes={clip.parent.name: 1})
        for clip in clips
    )
    return Corpus("folders", "not stated", tuple(utterances))
