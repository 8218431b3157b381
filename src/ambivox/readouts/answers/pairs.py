"""Which number belongs to which label: bound by what they stand in together, never by nearness alone.

A text is cut into parts, by brackets first, then by empty lines, lines, sentences, commas. A part with one
label and one number is a pair if nothing else in it changes that; what is left over in neighbouring parts
(``emotion: angry`` / ``score: 0.7``) is bound by `ambivox.readouts.answers.neighbours`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ambivox.readouts.answers.atoms import NO_VALUE, Atom, Item
from ambivox.readouts.answers.languages import (
    Field,
    deniers,
    emotion_words,
    fields,
    is_harmless,
    is_spaceless,
    is_unknown,
    says_percent,
)
from ambivox.readouts.answers.neighbours import IN_WORDS, best_number, bind_neighbours, side_by_side
from ambivox.readouts.answers.numbers import Number, find_numbers

_DEEPEST = 60
_CLOSES = {"}": "{", "]": "[", ")": "("}
_LEVELS = tuple(map(frozenset, (["\n\n"], ["\n"], [".", "!", "?"], [";"], ["|"], [",", "、", "•"])))
_AND = frozenset(["and", "und", "et", "y", "e", "ed", "i", "en", "och", "og", "&", "和", "と", "与"])
_OR = frozenset(["or", "oder", "ou", "o", "oppure", "of", "lub", "eller", "/", "+"]) | _AND
_LIMITS = frozenset(
    ["less", "fewer", "more", "most", "least", "max", "min", "maximum", "minimum", "tops", "higher", "lower"]
)
_NO_NUMBER = 2
"""A label before a colon and so many words at most has a value that is not a number ("low", "null")."""
_LARGEST_PLACE = 20
_LISTS = 2
"""So many lists side by side, one of labels and one of numbers, belong together."""


def find_pairs(atoms: Iterable[Atom]) -> list[Item]:
    """The pairs of a text, and all else that bears on them."""
    groups: list[tuple[str, list[Atom]]] = [("", [])]
    for atom in atoms:
        if atom.kind == "sign" and atom.text in ("{", "[", "(") and len(groups) <= _DEEPEST:
            groups.append((atom.text, []))
        elif atom.kind == "sign" and atom.text in _CLOSES and groups[-1][0] == _CLOSES[atom.text]:
            opener, inside = groups.pop()
            groups[-1][1].extend(_group(opener, inside))
        elif atom.kind == "sign" and atom.text in "{}[]()":
            groups[-1][1].append(Atom("sign", "\n"))
        else:
            groups[-1][1].append(atom)
    while len(groups) > 1:  # an answer that was cut off
        opener, inside = groups.pop()
        groups[-1][1].extend(_group(opener, inside))
    return _bind(groups[0][1])


def _group(opener: str, inside: Sequence[Atom]) -> list[Atom]:
    """What a bracket is in the part around it: a label, a number, a group, or nothing (a remark)."""
    atoms = _as_list(inside) if opener == "[" else _with_gaps(inside) if opener == "{" else inside
    items = _bind(atoms, in_object=opener == "{")
    if not items:
        return []
    if len(items) == 1 and items[0].kind in ("label", "number"):
        item = items[0]
        if item.kind == "label":
            return [Atom("label", item.form, item.labels[0], inner=True)]
        return [Atom("number", item.key, number=item.numbers[0], inner=True)]
    return [Atom("group", opener, items=tuple(items))]


def _with_gaps(atoms: Sequence[Atom]) -> list[Atom]:
    """With a word for each value that is empty or a dash: ``{"score": "", "label": "sad"}``, ``score: -``."""
    found: list[Atom] = []
    for k, atom in enumerate(atoms):
        found.append(atom)
        after = atoms[k + 1] if k + 1 < len(atoms) else None
        if atom.text in (":", "=") and (after is None or after.text in (",", "–", "—", "|")):
            found.append(Atom("word", NO_VALUE))
    return found


def _as_list(atoms: Sequence[Atom]) -> list[Atom]:
    """With "0.7,0.3" as two numbers, for a comma separates in a list."""
    found: list[Atom] = []
    for atom in atoms:
        if atom.number is None or not re.fullmatch(r"[\d.]+(?:,[\d.]+)+", atom.text):
            found.append(atom)
            continue
        start = atom.number.start
        for piece in atom.text.split(","):
            for number in find_numbers(piece):
                shifted = number._replace(start=start, end=start + len(piece), digits=start)
                found += [Atom("number", piece, number=shifted), Atom("sign", ",")]
            start += len(piece) + 1
    return found


def _bind(atoms: Sequence[Atom], level: int = 0, *, in_object: bool = False) -> list[Item]:
    kinds = [atom.kind for atom in atoms]
    if not {"label", "number", "group"} & set(kinds):
        return _in_words(atoms) if level else []
    if kinds.count("label") == 2 and kinds.count("number") == 1:
        atoms = _without_second_name(atoms)
        kinds = [atom.kind for atom in atoms]
    if "group" not in kinds and kinds.count("label") == kinds.count("number") == 1:
        pair = _pair(atoms)
        if pair is not None:
            return [pair]
    signs = {atom.text for atom in atoms if atom.kind in ("sign", "word")}
    for deeper in range(level, len(_LEVELS)):
        parts = [] if signs.isdisjoint(_LEVELS[deeper]) else _split(atoms, _LEVELS[deeper])
        if len(parts) > 1:
            items = [item for part in parts for item in _bind(part, deeper + 1, in_object=in_object)]
            return bind_neighbours(items, in_object=in_object)
    return _smallest(atoms)


def _without_second_name(atoms: Sequence[Atom]) -> Sequence[Atom]:
    """Without the second of two names of one label: "Anger (angry): 0.7"."""
    one, two = (k for k, atom in enumerate(atoms) if atom.kind == "label")
    same = atoms[one].label == atoms[two].label and not any(atom.kind == "number" for atom in atoms[one:two])
    return [*atoms[:two], *atoms[two + 1 :]] if same else atoms


def _split(atoms: Sequence[Atom], signs: frozenset[str]) -> list[list[Atom]]:
    parts: list[list[Atom]] = [[]]
    for atom in atoms:
        if atom.kind in ("sign", "word") and atom.text in signs:
            parts.append([])
        else:
            parts[-1].append(atom)
    return [part for part in parts if part]


# A part with one label and one number


def _pair(atoms: Sequence[Atom]) -> Item | None:
    """The pair of a part with one label and one number; None if its words may change what the number is."""
    at = next(k for k, atom in enumerate(atoms) if atom.kind == "label")
    number_at = next(k for k, atom in enumerate(atoms) if atom.kind == "number")
    label, number = atoms[at], atoms[number_at].number
    assert number is not None
    last = max(at, number_at)
    named = _fields(atoms[: last + 2])
    if "beside" in named or "rest" in named or not _all_harmless(atoms, last):
        return None
    if any(atom.text == ">" for atom in atoms[min(at, number_at) : last]):
        return None
    if number.ordinal or "place" in named or _is_place(atoms, number_at) or _is_index(atoms, number_at):
        valued = _fields(atoms) & {"share", "score"}  # beside its place it has a value, which is not a number
        return None if valued else Item("label", (label.label,), form=label.text)
    words_after = {atom.text for atom in atoms[last:] if atom.kind == "word"}
    if label.denied or words_after & (_LIMITS | deniers()) or _is_one_of_several(atoms, at, number_at):
        return Item("fault", (label.label,))
    if any(atom.text == "%" for atom in atoms):
        number = number._replace(value=None)
    tier = 2 if "score" in named and "share" not in named else 1
    number = _in_percent(number, _say_percent(atoms))
    return Item("pair", (label.label,), (number,), "", tier, label.text, number_at < at)


def _all_harmless(atoms: Sequence[Atom], n: int) -> bool:
    """Whether the first n words change nothing; a second name of a label does not either."""
    return all(_is_harmless(atoms[k]) or _is_other_name(atoms, k) for k in range(n))


def _is_other_name(atoms: Sequence[Atom], k: int) -> bool:
    """Whether a word is another name of the label after it: "wütend (angry)", "愤怒 angry"."""
    word, label = atoms[k], atoms[k + 1]
    if word.kind != "word" or label.kind != "label" or not is_unknown(word.text):
        return False
    return label.inner or is_spaceless(word.text) != is_spaceless(label.text)


def _fields(atoms: Sequence[Atom]) -> set[Field]:
    known = fields()
    return {known[atom.text] for atom in atoms if atom.kind == "word" and atom.text in known}


def _say_percent(atoms: Sequence[Atom]) -> bool:
    return any(atom.kind == "word" and says_percent(atom.text) for atom in atoms)


def _in_percent(number: Number, named: bool) -> Number:
    """The number, in hundredths if its field says so ("percentage: 70")."""
    return number._replace(percent=True) if named and (number.value or 0) > 1 else number


def _is_harmless(atom: Atom) -> bool:
    """Whether it changes nothing between a label and its number; lengths and pitches ("2 s") do not."""
    return atom.kind != "word" or atom.text[0].isdigit() or is_harmless(atom.text)


def _is_place(atoms: Sequence[Atom], at: int) -> bool:
    """Whether a number counts places: "emotion 1: angry", "1: angry"."""
    number = atoms[at].number
    if number is None or number.percent or number.value not in range(_LARGEST_PLACE + 1) or atoms[at].inner:
        return False
    before = atoms[at - 1] if at else None
    after = atoms[at + 1] if at + 1 < len(atoms) else None
    heads = after is not None and after.text in (":", "-", "–", "—", "|") and after.kind == "sign"
    follows = before is not None and before.kind == "word" and fields().get(before.text) == "label"
    return (before is None and heads) or (follows and (heads or after is None or after.kind == "label"))


def _is_index(atoms: Sequence[Atom], at: int) -> bool:
    """Whether a number in brackets stands before a colon and nothing: "sad (4): "."""
    number = atoms[at].number
    assert number is not None
    index = atoms[at].inner and not number.percent and number.value in range(_LARGEST_PLACE + 1)
    return index and [atom.text for atom in atoms[at + 1 :]] in ([":"], ["="])


def _is_one_of_several(atoms: Sequence[Atom], at: int, number_at: int) -> bool:
    """Whether a label shares its number with another emotion: "angry or tense: 0.7"."""
    if at + 2 >= len(atoms) or number_at in (at + 1, at + 2):
        return False
    joint, other = atoms[at + 1], atoms[at + 2]
    return joint.text in _OR and other.kind == "word" and not _is_harmless(other)


# A part with no signs left to cut it at


def _smallest(atoms: Sequence[Atom]) -> list[Item]:
    if any(atom.kind == "group" for atom in atoms):
        return _around_groups(atoms)
    labels = [atom for atom in atoms if atom.kind == "label"]
    if not any(atom.kind == "number" for atom in atoms):
        return _labels_only(atoms)
    if not labels:
        return _numbers_only(atoms)
    if len(labels) == 1:
        kept = _without_asides(atoms)
        numbers = [atom for atom in kept if atom.kind == "number"]
        if not numbers:
            return _labels_only(kept)
        pair = _pair(kept) if len(numbers) == 1 else None
        return [pair or Item("fault", (labels[0].label,))]
    parts = _split(atoms, _AND)
    if len(parts) > 1:
        return bind_neighbours([item for part in parts for item in _smallest(part)])
    return _in_turn(atoms) or [Item("fault", tuple(atom.label for atom in labels))]


def _without_asides(atoms: Sequence[Atom]) -> list[Atom]:
    """Without numbers that are places, counts of something, or say again what another says."""
    numbers = [k for k, atom in enumerate(atoms) if atom.kind == "number"]
    drop = {k for k in numbers if _is_aside(atoms, k)}
    drop |= {k - 1 for k in drop if k and fields().get(atoms[k - 1].text) in ("place", "beside")}
    kept = [k for k in numbers if k not in drop]
    if len(kept) > 1 and len({_share(atoms[k]) for k in kept}) == 1:
        drop |= set(kept[1:])
    elif len(kept) > 1:
        better = [k for k in kept if fields().get(atoms[k].text.split(" ")[0]) != "score"]
        drop |= set(kept) - set(better) if better else set()
    return [atom for k, atom in enumerate(atoms) if k not in drop]


def _is_aside(atoms: Sequence[Atom], k: int) -> bool:
    number = atoms[k].number
    assert number is not None
    whole = not number.percent and number.value in range(_LARGEST_PLACE + 1)
    after = atoms[k + 1] if k + 1 < len(atoms) else None
    counts = after is not None and after.kind == "word" and not _is_harmless(after)
    before = fields().get(atoms[k - 1].text) if k and atoms[k - 1].kind == "word" else None
    index = whole and atoms[k].inner and after is not None and after.text in (":", "=")
    return (
        number.ordinal or before in ("place", "beside") or (whole and counts) or index or _is_place(atoms, k)
    )


def _share(atom: Atom) -> float | None:
    return None if atom.number is None or atom.number.share is None else round(atom.number.share, 9)


def _labels_only(atoms: Sequence[Atom]) -> list[Item]:
    labels = [atom for atom in atoms if atom.kind == "label"]
    words = [atom.text for atom in atoms if atom.kind == "word"]
    signs = [atom.text for atom in atoms if atom.kind == "sign"]
    if len(labels) > 1:
        values = [
            one
            for one, sign, two in _triples(atoms)
            if one.kind == two.kind == "label" and sign.text in (":", "=")
        ]
        faults = [Item("fault", (atom.label,)) for atom in values]
        return [*faults, *(Item("label", (atom.label,), key="prose", form=atom.text) for atom in labels)]
    at = next(k for k, atom in enumerate(atoms) if atom.kind == "label")
    own = Item("label", (labels[0].label,), form=labels[0].text)
    if not words:
        return [own]
    if at == 0 and atoms[1].text in (":", "="):
        return [Item("fault", own.labels) if len(words) <= _NO_NUMBER else own._replace(key="prose")]
    if "label" in _fields(atoms[:at]) and _all_harmless(atoms, at) and set(signs) & {":", "="}:
        return [own._replace(key="label")]
    return [own._replace(key="prose")]


def _numbers_only(atoms: Sequence[Atom]) -> list[Item]:
    numbers = [atom.number for atom in atoms if atom.number is not None and not atom.number.ordinal]
    named = _fields(atoms)
    if not numbers or "beside" in named or "rest" in named or ("place" in named and "share" not in named):
        return []
    others = [atom.text for atom in atoms if atom.kind == "word" and not _is_harmless(atom)]
    scores = "score" in named and "share" not in named
    if not others or (scores and not emotion_words() & set(others)):
        key = next((atom.text for atom in atoms if atom.text in fields()), "")
        hundredths = _say_percent(atoms)
        if others:  # "confidence: at least 70%"
            numbers = [number._replace(value=None) for number in numbers]
        return [Item("number", (), (_in_percent(n, hundredths),), key, 2 if scores else 1) for n in numbers]
    signed = any(atom.kind == "sign" and atom.text in (":", "=", "→", "|") for atom in atoms)
    last = atoms[-1].number
    ends = last is not None and (atoms[-1].inner or last.value != int(last.value or 0))
    ahead = len(others) <= 2 and (atoms[0].kind == "number" or ends)
    if "share" in named or signed or ahead or any(number.percent for number in numbers):
        return [Item("foreign", (), tuple(numbers), " ".join(others))]
    return []


def _in_words(atoms: Sequence[Atom]) -> list[Item]:
    """A field of shares or scores whose value is a word or two: it leaves its label without a number."""
    at = next((k for k, atom in enumerate(atoms) if atom.text in (":", "=")), len(atoms))
    named = _fields(atoms[:at]) & {"share", "score"}
    value = [atom for atom in atoms[at + 1 :] if atom.kind == "word"]
    if not named or not all(map(_is_harmless, atoms[:at])) or not 0 < len(value) <= _NO_NUMBER:
        return []
    key = next(atom.text for atom in atoms if atom.text in fields())
    return [Item("number", (), (IN_WORDS,), key, 1 if "share" in named else 2)]


def _triples(atoms: Sequence[Atom]) -> Iterable[tuple[Atom, Atom, Atom]]:
    return zip(atoms, atoms[1:], atoms[2:], strict=False)


def _in_turn(atoms: Sequence[Atom]) -> list[Item]:
    """Labels and numbers in strict turn: "angry 0.7 sad 0.3", "0.7 angry 0.3 sad"; empty if they are not."""
    atoms = [atom for atom in atoms if atom.number is None or not atom.number.ordinal]
    turn = [k for k, atom in enumerate(atoms) if atom.kind in ("label", "number")]
    first = atoms[turn[0]].kind
    if len(turn) % 2 or not all(_is_harmless(atom) and atom.text != "%" for atom in atoms[: turn[-1]]):
        return []
    pairs: list[Item] = []
    for k in range(0, len(turn), 2):
        one, two = atoms[turn[k]], atoms[turn[k + 1]]
        if one.kind != first or two.kind == first:
            return []
        beyond = atoms[turn[k + 1] + 1 : turn[k + 2]] if k + 2 < len(turn) else []
        if any(atom.text in (":", "=", "→") for atom in beyond):  # "0.7 angry: 0.3 sad"
            return []
        label, number = (one, two) if first == "label" else (two, one)
        assert number.number is not None
        if label.denied:
            return []
        pairs.append(Item("pair", (label.label,), (number.number,), form=label.text, first=first == "number"))
    return pairs


def _around_groups(atoms: Sequence[Atom]) -> list[Item]:
    """Groups with their names: ``angry: {...}``, ``emotions: [...]``, ``1: {...}``."""
    atoms = [
        a for a in atoms if a.kind != "group" or any(i.kind != "foreign" for i in a.items) or a.text == "{"
    ]
    groups = [atom for atom in atoms if atom.kind == "group"]
    items = [item for atom in groups for item in atom.items]
    labels = [atom for atom in atoms if atom.kind == "label"]
    numbers = [atom for atom in atoms if atom.kind == "number"]
    if not groups:
        return _bind(atoms)
    if (
        len(labels) == 1
        and not numbers
        and len(groups) == 1
        and atoms.index(labels[0]) < atoms.index(groups[0])
    ):
        best = best_number([item for item in items if item.kind == "number"])
        only_numbers = all(item.kind in ("number", "foreign") for item in items)
        if best is None or not only_numbers or labels[0].denied:
            return [Item("fault", (labels[0].label,)), *items]
        return [best._replace(kind="pair", labels=(labels[0].label,), key="", form=labels[0].text)]
    if labels or any(not _is_place([atom, Atom("sign", ":")], 0) for atom in numbers):
        return [Item("fault", tuple(atom.label for atom in labels)), *items]
    lists = [_as_one_list(atom.items) for atom in groups]
    return side_by_side([one for one in lists if one]) if len(groups) <= _LISTS and all(lists) else items


def _as_one_list(items: Sequence[Item]) -> Item | None:
    """Several labels alone, or several numbers alone, as one item."""
    kinds = {item.kind for item in items}
    if len(items) > 1 and kinds == {"label"}:
        return Item("labels", tuple(item.labels[0] for item in items))
    if len(items) > 1 and kinds == {"number"}:
        return Item("numbers", (), tuple(item.numbers[0] for item in items))
    return None
