"""Free descriptions: the emotion words in them, by a small lexicon."""

from __future__ import annotations

import functools
from collections import Counter

import numpy as np

from ambivox.emotions import EmotionSet, fold
from ambivox.readouts.answers.answer import Answer
from ambivox.readouts.answers.atoms import find_atoms
from ambivox.readouts.answers.languages import lexicon
from ambivox.readouts.answers.mentions import find_mentions
from ambivox.readouts.answers.pairs import find_pairs
from ambivox.readouts.answers.said import judge
from ambivox.readouts.reading import Reading


def read_prose(answer: Answer) -> Reading:
    """The emotion words of a free description, counted by label: a word each, denied ones left out.

    Words are the forms of the set and those of ``lexicon.yaml``, in which every emotion belongs to the label
    that has its name among its forms. ``foreign``: words of emotions outside the set are left out.
    ``partial``: words that may be meant or not are left out, or the answer was cut off. ``unparsed``: no
    emotion word.
    """
    known = with_lexicon(answer.emotions)
    n_labels = len(answer.emotions)
    if any(item.kind == "pair" for item in find_pairs(find_atoms(answer.low, answer.mentions))):
        return answer.unread("numbers beside the labels, which counts of words would pass over")
    judged = judge(answer.low, find_mentions(answer.low, known))
    counts = Counter(one.mention.label for one in judged if one.state == "said")
    unclear = {one.mention.label for one in judged if one.state == "unclear" and one.mention.label < n_labels}
    foreign = ", ".join(known.labels[n] for n in sorted(counts) if n >= n_labels)
    values = np.array([counts[n] for n in range(n_labels)], dtype=float)
    if not values.any():
        if foreign and not unclear and answer.unread().status != "refused":
            return Reading(None, "foreign", f"only {foreign}")
        return answer.unread()
    distribution = values / values.sum()
    if foreign:
        return Reading(distribution, "foreign", f"left out {foreign}")
    if unclear:
        return Reading(
            distribution, "partial", f"not for certain: {', '.join(known.labels[n] for n in sorted(unclear))}"
        )
    if answer.cut:
        return Reading(distribution, "partial", "cut off")
    return Reading(distribution, "ok")


@functools.lru_cache(maxsize=64)
def with_lexicon(emotions: EmotionSet) -> EmotionSet:
    """The set with the words of the lexicon among its forms; emotions that it has not come after its labels.

    >>> from ambivox.emotions import load_emotions
    >>> known = with_lexicon(load_emotions("iemocap4"))
    >>> known.labels[known.index("furious")], known.labels[known.index("terrified")]
    ('angry', 'fear')
    """
    forms = dict(zip(emotions.labels, map(list, emotions.forms), strict=True))
    taken = set(emotions.owner)
    for emotion, words in lexicon().items():
        owner = next((emotions.owner[fold(w)] for w in (emotion, *words) if fold(w) in emotions.owner), None)
        label = emotion if owner is None else emotions.labels[owner]
        own = [word for word in dict.fromkeys((emotion, *words)) if fold(word) not in taken]
        taken.update(map(fold, own))
        if own:
            forms.setdefault(label, []).extend(own)
    return EmotionSet(emotions.name, tuple(forms), tuple(tuple(own) for own in forms.values()))
