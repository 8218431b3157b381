"""What tables of one's own look like: their columns, each with an example that loads."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Template:
    """One way to write down a corpus.

    Args:
        description: when it is the right one.
        ending: of the file.
        columns: column -> what it holds.
        example: a whole small file.
    """

    description: str
    ending: str
    columns: dict[str, str]
    example: str


_AUDIO = {"audio": "the sound file, in the folder of the table; needed"}
_FACTS = {
    "id": "what the clip is called; the name of its file if left out",
    "speaker": "who says it; splits and intervals go by it",
    "transcript": "what is said",
    "start, end": "a part of the file, in seconds",
    "dialogue, turn": "its place in a conversation",
    "sex, session, partition": "for splits",
    "intended": "the emotion that an actor was asked for",
}

TEMPLATES = {
    "votes": Template(
        "how many raters chose each label",
        ".csv",
        _AUDIO | {"votes.LABEL": "how many raters chose LABEL, one column for each"} | _FACTS,
        "id,audio,speaker,transcript,votes.angry,votes.sad,votes.neutral\n"
        "a1,clips/a1.wav,ann,Where have you been?,3,0,1\n"
        "b1,clips/b1.wav,ben,Out.,0,2,2\n",
    ),
    "ratings": Template(
        "one row for each rating, so that raters are known (Dawid-Skene, MACE, reliability)",
        ".csv",
        _AUDIO
        | {
            "rater": "who rated; the same name is the same person",
            "label": "what they chose; several labels with | between them",
        }
        | _FACTS,
        "audio,rater,label,speaker\n"
        "clips/a1.wav,r1,angry,ann\n"
        "clips/a1.wav,r2,angry|sad,ann\n"
        "clips/b1.wav,r1,neutral,ben\n",
    ),
    "lists": Template(
        "the labels of all raters of a clip in one cell",
        ".csv",
        _AUDIO | {"ratings": "one label for each rater, with ; between them"} | _FACTS,
        "id,audio,speaker,ratings\na1,clips/a1.wav,ann,angry;angry;sad\nb1,clips/b1.wav,ben,neutral;sad\n",
    ),
    "shares": Template(
        "only shares of the raters are known (percent.LABEL for percentages)",
        ".csv",
        _AUDIO
        | {
            "shares.LABEL": "the share of raters who chose LABEL, from 0 to 1; percent.LABEL from 0 to 100",
            "n_raters": "how many they were, if known: the shares become counts; needed with votes=selected, "
            "where a rater may choose several labels",
        }
        | _FACTS,
        "id,audio,speaker,shares.angry,shares.sad\na1,clips/a1.wav,ann,0.75,0.25\nb1,clips/b1.wav,ben,0,1\n",
    ),
    "labels": Template(
        "one published label for each clip; score with --truth consensus",
        ".csv",
        _AUDIO | {"label": "the label"} | _FACTS,
        "audio,label,speaker\nclips/a1.wav,angry,ann\nclips/b1.wav,neutral,ben\n",
    ),
    "jsonl": Template(
        "one JSON object for each clip, for programs",
        ".jsonl",
        _AUDIO | {"votes": 'an object of label and count, {"angry": 3}'} | _FACTS,
        '{"id": "a1", "audio": "clips/a1.wav", "speaker": "ann", "votes": {"angry": 3, "sad": 1}}\n'
        '{"id": "b1", "audio": "clips/b1.wav", "speaker": "ben", "votes": {"neutral": 2, "sad": 2}}\n',
    ),
    "label-studio": Template(
        "the JSON export of a Label Studio project",
        ".json",
        {
            "data.audio": "the sound file",
            "annotations[].completed_by": "who rated",
            "annotations[].result[].value.choices": "the labels that they chose",
        },
        '[{"id": 1, "data": {"audio": "clips/a1.wav"}, "annotations": [\n'
        '  {"completed_by": 7, "result": [\n'
        '    {"from_name": "emotion", "type": "choices", "value": {"choices": ["angry"]}}]},\n'
        '  {"completed_by": 9, "result": [\n'
        '    {"from_name": "emotion", "type": "choices", "value": {"choices": ["sad"]}}]}]}]\n',
    ),
}
"""Templates by name."""
