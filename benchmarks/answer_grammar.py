# ruff: noqa: E501
"""A grammar of answers whose truth is known, with all that distracts from it.

A case is built the other way round: first what the answer means, then one of many ways to write it, then what
models put around it. ``truth`` is None where the text has no answer, or more than one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from ambivox.emotions import EmotionSet, load_emotions
from ambivox.prompts import AnswerFormat
from ambivox.readouts import Reading, read_answer
from ambivox.readouts.answers.ranked import rank_weights

SETS = tuple(map(load_emotions, ("iemocap4", "cremad6", "msp8")))
CHINESE = EmotionSet("zh", ("愤怒", "悲伤", "高兴", "中性"), (("愤怒",), ("悲伤",), ("高兴",), ("中性",)))
CLOSE = 0.02
EMOJI = dict(zip(("angry", "sad", "happy", "neutral", "fear", "disgust"), "😠😢😀😐😨🤢", strict=True))


@dataclass(frozen=True)
class Case:
    """An answer and what it means.

    Args:
        truth: the share of each label; None where no distribution may be read as ``ok`` or ``renormalised``.
    """

    kind: str
    format: AnswerFormat
    emotions: EmotionSet
    text: str
    truth: tuple[float, ...] | None
    finish: str = "stop"

    def read(self) -> Reading:
        return read_answer(self.text, format=self.format, emotions=self.emotions, finish=self.finish)

    def outcome(self, reading: Reading) -> str:
        """``right``, ``refused`` or ``wrong``; ``unsure`` where a wrong distribution has another status."""
        given = reading.distribution
        if self.truth is not None and given is not None and max(abs(given - self.truth)) <= CLOSE:
            return "right"
        if given is None:
            return "right" if self.truth is None else "refused"
        if reading.status in ("ok", "renormalised"):
            return "wrong"
        return "right" if self.truth is None else "unsure"


# Numbers


def shares(rng: Random, n: int) -> list[int]:
    """Hundredths that sum to 100; some are 0, all differ from their neighbours as often as not."""
    cuts = sorted(rng.randint(0, 100) for _ in range(n - 1))
    return [b - a for a, b in zip([0, *cuts], [*cuts, 100], strict=True)]


def _scientific(rng: Random, h: int) -> str:
    mantissa = f"{h / 10:.1f}".rstrip("0").rstrip(".")
    return mantissa + rng.choice(("e-1", "E-01", " × 10^-1", "×10⁻¹", " x 10^-1", "*10**-1", " · 10^{-1}"))


SHARE: tuple[Callable[[Random, int], str], ...] = (
    lambda r, h: f"{h / 100:.2f}",
    lambda r, h: f"{h / 100:g}",
    lambda r, h: f"{h / 100:.3f}",
    lambda r, h: f"{h / 100:.2f}".removeprefix("0"),
    lambda r, h: f"~{h / 100:.2f}",
    lambda r, h: f"{h}/100",
    lambda r, h: f"{h} out of 100",
    _scientific,
)
DECIMAL_COMMA: tuple[Callable[[Random, int], str], ...] = (lambda r, h: f"{h / 100:.2f}".replace(".", ","),)
PERCENT: tuple[Callable[[Random, int], str], ...] = (
    lambda r, h: f"{h}%",
    lambda r, h: f"{h} %",
    lambda r, h: f"{h}.0%",
    lambda r, h: f"~{h}%",
    lambda r, h: f"≈ {h}%",
    lambda r, h: f"{h} percent",
    lambda r, h: f"{h}％".translate(str.maketrans("0123456789", "０１２３４５６７８９")),
    lambda r, h: f"{h}٪".translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),
)
# What is not one number, or not a share: no answer with one of these may be read as it stands.
BROKEN: tuple[Callable[[Random, int], str], ...] = (
    lambda r, h: f"{h}-{h + 10}%",
    lambda r, h: f"{h / 100:.2f} to {h / 100 + 0.1:.2f}",
    lambda r, h: f"{h / 100:.2f}–{h / 100 + 0.1:.2f}",
    lambda r, h: f"<{h + 1}%",
    lambda r, h: f"> {h / 100 + 0.01:.2f}",
    lambda r, h: f"at least {h}%",
    lambda r, h: f"up to {h + 1}%",
    lambda r, h: f"-{h / 100 + 0.01:.2f}",
    lambda r, h: f"{h / 100:.2f} ± 0.05",
    lambda r, h: f"{h + 1},000",
    lambda r, h: f"0.{h:02}.1",
    lambda r, h: f"{h + 101}%",
    lambda r, h: r.choice(("NaN", "null", "high", "Infinity", "1e999", "?", "unknown", "-", "not given")),
    lambda r, h: f"{h / 100:.2f}x",
    lambda r, h: f"{h / 100 + 0.1:.2f} or {h / 100:.2f}",
)


# Labels


def written(rng: Random, emotions: EmotionSet, n: int) -> str:
    form = rng.choice(emotions.forms[n])
    return rng.choice((form, form, form.title(), form.upper()))


def decorated(rng: Random, emotions: EmotionSet, n: int) -> str:
    form = written(rng, emotions, n)
    second = rng.choice(("wütend", "triste", "感情", "lätt"))
    return rng.choice(
        (form, form, f"**{form}**", f"*{form}*", f"`{form}`", f"{form} {EMOJI.get(emotions.labels[n], '🎭')}",
         f"{form} ({second})", f"{second} ({form})", f'"{form}"')
    )  # fmt: skip


# Shapes: from pairs of label and number to a text

Pairs = Sequence[tuple[str, str]]
LOW = (
    "The tone is harsh.",
    "It is a slow voice",
    "2 shouts in 3 s",
    "low energy, long pauses",
    "raised pitch",
)


def _object(rng: Random, pairs: Pairs) -> str:
    quote = rng.choice("\"'")
    end = rng.choice(("", "", ","))
    between = rng.choice((", ", ",", ",\n  "))
    return "{" + between.join(f"{quote}{a}{quote}: {_quoted(rng, b)}" for a, b in pairs) + end + "}"


def _quoted(rng: Random, number: str) -> str:
    plain = all(c in "0123456789." for c in number) and not number.startswith(".")
    return number if plain and rng.random() < 0.7 else f'"{number}"'


def _records(rng: Random, pairs: Pairs) -> str:
    name = rng.choice(("emotion", "label", "name", "category"))
    value = rng.choice(("probability", "score", "confidence", "share", "value", "percentage"))
    extras = [f'"rank": {k + 1}' for k in range(len(pairs))]
    made = []
    add = rng.random() < 0.3
    for (a, b), extra in zip(pairs, extras, strict=True):
        fields = [f'"{name}": "{a}"', f'"{value}": {_quoted(rng, b)}', *([extra] if add else [])]
        made.append(fields)
    order = list(range(len(made[0])))
    rng.shuffle(order)
    objects = ["{" + ", ".join(fields[k] for k in order) + "}" for fields in made]
    whole = rng.choice(("[{}]", '{{"emotions": [{}]}}', '{{"result": {{"all": [{}]}}}}'))
    return rng.choice(("\n".join(objects), whole.format(", ".join(objects))))


def _with_scores(rng: Random, pairs: Pairs) -> str:
    """A score and a confidence beside the probability."""
    objects = []
    for a, b in pairs:
        fields = [f'"emotion": "{a}"', f'"probability": {_quoted(rng, b)}', f'"score": {rng.randint(0, 9)}']
        rng.shuffle(fields)
        objects.append("{" + ", ".join(fields) + "}")
    return "[" + ", ".join(objects) + "]"


def _nested(rng: Random, pairs: Pairs) -> str:
    key = rng.choice(("probability", "score", "value"))
    extra = rng.choice(("", ', "rank": 1', ', "why": "loud"'))
    inside = ", ".join(f'"{a}": {{"{key}": {_quoted(rng, b)}{extra}}}' for a, b in pairs)
    return "{" + inside + "}"


def _line_pairs(rng: Random, pairs: Pairs) -> str:
    one, two = ("Emotion", "Probability") if rng.random() < 0.5 else ("Label", "Score")
    gap = rng.choice(("\n", "\n\n", "\n---\n"))
    first = rng.random() < 0.5
    lines = [
        f"{one}: {a}\n{two}: {b}" if first else f"{two}: {b}\n{one}: {a}"
        for a, b in pairs
    ]  # fmt: skip
    return gap.join(lines)


def _yaml(rng: Random, pairs: Pairs) -> str:
    return "\n".join(f"- emotion: {a}\n  probability: {b}" for a, b in pairs)


def _two_lists(rng: Random, pairs: Pairs) -> str:
    names = ", ".join(f'"{a}"' for a, _ in pairs)
    values = ", ".join(_quoted(rng, b) for _, b in pairs)
    return f'{{"emotions": [{names}], "probabilities": [{values}]}}'


def _tuples(rng: Random, pairs: Pairs) -> str:
    a, b = rng.choice(("[]", "()"))
    first = rng.random() < 0.5
    made = (f"{a}'{x}', {y}{b}" if first else f"{a}{y}, '{x}'{b}" for x, y in pairs)
    return "[" + ", ".join(made) + "]"


def _lines(rng: Random, pairs: Pairs) -> str:
    sign = rng.choice((": ", " = ", " - ", " — ", " ", " -> ", ": about "))
    mark = rng.choice(("", "- ", "* ", "• ", "{n}. ", "{n}) "))
    tail = rng.choice(("", "", " - " + rng.choice(LOW).rstrip("."), f" ({rng.choice(LOW)})"))
    return "\n".join(f"{mark.format(n=n + 1)}{a}{sign}{b}{tail}" for n, (a, b) in enumerate(pairs))


def _in_brackets(rng: Random, pairs: Pairs) -> str:
    return rng.choice((", ", "; ", "\n")).join(f"{a} ({b})" for a, b in pairs)


def _indexed(rng: Random, pairs: Pairs) -> str:
    return ", ".join(f"{a} ({n + 1}): {b}" for n, (a, b) in enumerate(pairs))


def _number_first(rng: Random, pairs: Pairs) -> str:
    return rng.choice((", ", "; ", "\n", " and ")).join(f"{b} {a}" for a, b in pairs)


def _sentence(rng: Random, pairs: Pairs) -> str:
    start = rng.choice(("I would say ", "There is a ", "I hear ", "The voice is "))
    *most, last = [f"{b} probability of {a}" if "There" in start else f"{b} {a}" for a, b in pairs]
    return start + ", ".join(most) + (" and " if most else "") + last + "."


def _table(rng: Random, pairs: Pairs) -> str:
    columns = [["Emotion", *(a for a, _ in pairs)], ["Probability", *(b for _, b in pairs)]]
    if rng.random() < 0.5:
        columns.append(["Rank", *(str(k + 1) for k in range(len(pairs)))])
    if rng.random() < 0.3:
        columns.append(["Confidence", *(str(rng.randint(0, 9) / 10) for _ in pairs)])
    rng.shuffle(columns)
    head, *rows = ["| " + " | ".join(row) + " |" for row in zip(*columns, strict=True)]
    return "\n".join([head, "|" + "---|" * len(columns), *rows])


def _across(rng: Random, pairs: Pairs) -> str:
    head, row = " | ".join(a for a, _ in pairs), " | ".join(b for _, b in pairs)
    return f"| {head} |\n|{'---|' * len(pairs)}\n| {row} |"


def _csv(rng: Random, pairs: Pairs) -> str:
    sign = rng.choice(",;")
    head = [sign.join(("emotion", "rank", "probability")), sign.join(("emotion", "probability"))]
    ranked = rng.random() < 0.5
    rows = [sign.join((a, str(n + 1), b)) if ranked else sign.join((a, b)) for n, (a, b) in enumerate(pairs)]
    return "\n".join([head[0] if ranked else head[1], *rows])


def _xml(rng: Random, pairs: Pairs) -> str:
    return "".join(f"<emotion>{a}</emotion><probability>{b}</probability>" for a, b in pairs)


PROGRAM = (_object, _records, _with_scores, _nested, _two_lists, _tuples)
LAYOUT = (_line_pairs, _yaml, _lines, _in_brackets, _indexed, _table, _across, _csv, _xml)
CHAT = (_number_first, _sentence, _lines, _in_brackets)

BEFORE = (
    "Here is my estimate:\n", "Sure! Listening to the clip, I would say:\n\n", "The voice is loud and fast.\n\n",
    "Based on the audio, my assessment is:\n", "```json\n", "<|im_start|>assistant\n", "",
)  # fmt: skip
AFTER = (
    "\n\nThe sum is 1.", "\n\nConfidence in this: 0.9", "\n\nLet me know if I can help.", "\n```", "<|im_end|>", "</s>", "",
    "\n\nReason: it could be happy: 0.9, but the pitch falls", "\n\nNote: I am 80% sure of this.", "\n\n(2 clips heard)",
)  # fmt: skip


def around(rng: Random, text: str) -> str:
    return rng.choice(BEFORE) + text + rng.choice(AFTER) if rng.random() < 0.6 else text


def _pairs(
    rng: Random, emotions: EmotionSet, values: Sequence[int], writers: Sequence[Any]
) -> list[tuple[str, str]]:
    write, plain = rng.choice(writers), rng.random() < 0.6
    name = written if plain else decorated
    pairs = [(name(rng, emotions, n), write(rng, h)) for n, h in enumerate(values)]
    rng.shuffle(pairs)
    return pairs


def structure(rng: Random) -> Case:
    emotions = rng.choice(SETS)
    values = shares(rng, len(emotions))
    percent = rng.random() < 0.4
    pairs = [(a.strip('*`"'), b) for a, b in _pairs(rng, emotions, values, PERCENT if percent else SHARE)]
    text = rng.choice((*PROGRAM, *LAYOUT))(rng, pairs)
    return Case("structure", rng.choice(("dictionary", "dictionary", "percentages")) if percent else "dictionary",
                emotions, around(rng, text), tuple(h / 100 for h in values))  # fmt: skip


def chatty(rng: Random) -> Case:
    emotions = rng.choice(SETS)
    values = shares(rng, len(emotions))
    writers = rng.choice((PERCENT, PERCENT, SHARE[:6], DECIMAL_COMMA))
    text = rng.choice(CHAT[2:] if writers is DECIMAL_COMMA else CHAT)(
        rng, _pairs(rng, emotions, values, writers)
    )
    return Case("chatty", "dictionary", emotions, around(rng, text), tuple(h / 100 for h in values))


def broken_number(rng: Random) -> Case:
    """One number that cannot be read, or is of another scale, among good ones."""
    emotions = rng.choice(SETS)
    values = shares(rng, len(emotions))
    percent = rng.random() < 0.5
    good, other = (PERCENT[:4], SHARE[:3]) if percent else (SHARE[:3], PERCENT[:4])
    spoilt = max(range(len(values)), key=lambda n: values[n])
    write, bad = rng.choice(good), rng.choice((*BROKEN, *(other if 1 < values[spoilt] < 100 else ())))
    pairs = [
        (written(rng, emotions, n), bad(rng, h) if n == spoilt else write(rng, h))
        for n, h in enumerate(values)
    ]
    rng.shuffle(pairs)
    text = rng.choice((_object, _lines, _records, _in_brackets, _table))(rng, pairs)
    return Case("broken numbers", "dictionary", emotions, around(rng, text), None)


def two_bindings(rng: Random) -> Case:
    """Numbers that belong to two labels, or to none in one way only."""
    emotions = rng.choice(SETS)
    n, m = rng.sample(range(len(emotions)), 2)
    a, b = written(rng, emotions, n), written(rng, emotions, m)
    h = rng.randint(51, 89)
    x, y = f"{h / 100:.2f}", f"{(100 - h) / 100:.2f}"
    text = rng.choice((
        f"{a}\n{x}\n{y}\n{b}", f"{x}\n{a}\n{b}\n{y}", f"{a}, {b}: {x}, {y}", f"{x}/{y} {a}/{b}", f"{a}: {x}, {a}: {y}",
        f"{a} {x} {y} {b}", f"{x} {a}: {y} {b}", f'{{"{a}": [{x}, {y}]}}', f"{a} or {b}: {x}", f"{a}/{b}: {x}",
        f"| Emotion | Score | Confidence |\n|---|---|---|\n| {a} | {x} | {y} |\n| {b} | {y} | {x} |",
        f"| Emotion | A | B |\n|---|---|---|\n| {a} | {x} | {y} |\n| {b} | {y} | {x} |",
        f"{a}: {x}, {b}: {y}\n{a}: {y}, {b}: {x}", f'{{"{a}": {x}, "{b}": {y}}} or {{"{a}": {y}, "{b}": {x}}}',
        f"{a} {x} {y}\n{b} {y} {x}", f"not {a}: {x}, {b}: {y}", f"{a}: {b}, {b}: {x}",
        f"Emotion: {a}\nEmotion: {b}\nProbability: {x}\nProbability: {y}", f"less {a} than {b}: {x}",
    ))  # fmt: skip
    return Case("two bindings", "dictionary", emotions, around(rng, text), None)


# Words

ASSERTED = (
    "{a}", "{a}.", "**{a}**", "The speaker sounds {a}.", "Emotion: {a}", "I hear {a} in the voice.", '{{"emotion": "{a}"}}',
    "I think the emotion is {a}.", "The answer is: {a}", "{a}, because the voice is loud", "{a} 🎭", "<b>{a}</b>",
    "No doubt {a}.", "It is a little {a}.", "If I had to choose, {a}.", "Answer: {a}", "\\boxed{{{a}}}", "{a} ({a})",
    "I'd be happy to help! The emotion is {a}.", "{a}\n\nReason: not {b}, the pitch is low", "Could it be {b}? No. {a}.",
    "{a}, not {b}", "Undoubtedly {a}", "I can't help but hear {a}", "I'm not sure, my best guess is {a}", "not {b} but {a}", "{a} rather than {b}", "{a}, neither {b} nor {c}", "It isn't {b}; it's {a}.",
    "No {b}, only {a}", "I hear no {b}, but {a}", "~~{b}~~ {a}", "Options: {b}, {c}, {a}. Answer: {a}", "The voice is {a} (not {b}).",
)  # fmt: skip
NOT_ASSERTED = (
    "not {a}", "The speaker is not {a}, or {b}.", "No {a}, {b}, or {c}.", "far from {a}", "anything but {a}", "neither {a} nor {b}",
    "absence of {a}", "non-{a}", "hardly {a}", "less {a} than {b}", "more {a} than {b}", "Is the speaker {a}?", "{a}?", "{a} or {b}",
    "{a} and {b}", "{a}? Definitely not.", "least likely: {a}", "The opposite of {a}", "If the voice were {a}, it would be louder.",
    "{a} is ruled out.", "I would rule out {a}.", "I doubt that it is {a}.", "{a}: no", "{a}: 0%", "{a}: 10%", "not only {a} but {b}",
    "not without {a}", "too calm to be {a}", "not {a}, {b}", "The speaker isn’t {a} at all", "never {a}", "without {a}", "{a}. Not!",
    "I cannot tell whether it is {a}.", "Emotions not present:\n- {a}\n- {b}", "not yet {a}", "Is it {a}", "low {a}", "I refuse to say {a}", "NOT({a})", "0% {a}", 'She says "I am {a}"', "nicht {a}", "pas {a}", "no está {a}", "non è {a}",
    "não {a}", "nie {a}", "niet {a}", "inte {a}", "не {a}", "不{a}", "ei {a}", "değil {a}", "puhuja ei ole {a}", "rather than {a}",
    "{a} unlikely", "I'm sorry, I can't hear if the person is {a}", "Everything except {a}", "there is little {a}", "{a}-free",
    "As an AI, I do not hear {a}", "{a}, isn't it?", "As if {a}", "<answer>{a}</answer><answer>{b}</answer>", "Answer: {a}\nAnswer: {b}",
)  # fmt: skip


def one_hot(n: int, size: int) -> tuple[float, ...]:
    return tuple(float(k == n) for k in range(size))


def _filled(rng: Random, templates: Sequence[str]) -> tuple[EmotionSet, str, tuple[float, ...]]:
    """A set, a template filled with three of its labels and two letters, and the first label as truth."""
    emotions = rng.choice(SETS)
    three = rng.sample(range(len(emotions)), 3)
    names = {name: written(rng, emotions, label) for name, label in zip("abc", three, strict=True)}
    n = three[0]
    text = rng.choice(templates).format(**names, x=chr(65 + n), y=chr(65 + (n + 1) % len(emotions)))
    return emotions, text, one_hot(n, len(emotions))


def word(rng: Random) -> Case:
    return Case("words", "word", *_filled(rng, ASSERTED))


def denied(rng: Random) -> Case:
    emotions, text, _ = _filled(rng, NOT_ASSERTED)
    return Case("denial", rng.choice(("word", "word", "letter")), emotions, text, None)


LETTERED = (
    "{x}", "{x}.", "({x})", "**{x}**", "{x}) {a}", "{x}. {a}", "{x}: {a}", "{x} {a}", "Option {x}", "Answer: {x}", "The answer is {x}.",
    "The correct option is ({x}) {a}.", "答案是{x}", "答案：{x}", "选{x}", "I choose {x}.", "It's {x}, not {y}", "Not {y} but {x}",
    "{x} because the voice is loud", "The voice is {a} ({x})", '{{"answer": "{x}"}}', "<answer>{x}</answer>", "{x}\n\nReason: {y} is not right",
    "I'd go with {x}.", "$\\boxed{{{x}}}$", "{x}. The voice is loud.", "A. one\nB. two\nAnswer: {x}", "Therefore, {x}.", "{x} it is.",
    "{x} rather than {y}",
)  # fmt: skip
NOT_LETTERS = (
    "N/A", "n/a", "A.I.", "As an A.I. language model I cannot hear.", "A calm voice", "A very loud voice", "I think so", "{x} or {y}",
    "{x} and {y}", "{x}/{y}", "{x}. {b}", "{x}: The voice is loud and harsh.", "Speaker {x} is loud", "Vitamin {x}", "plan {x}", "Grade {x}",
    "{x}+", "{x}?", "Is it {x}?", "not {x}", "anything but {x}", "不选{x}", "neither {x} nor {y}", "U.S.{x}.", "{x} is wrong", "{x}{y}",
    "It's either {x} or {y}", "I don't think it's {x}", "A. one\nB. two\nC. three", "a.k.a. the voice", "{x}'s voice", "Dr. {x} speaks", "e.g. {x}", "Fig. {x}",
    "No ({x})", "Is the answer {x}",
)  # fmt: skip


def letter(rng: Random) -> Case:
    emotions, text, truth = _filled(rng, LETTERED)
    if rng.random() < 0.1:
        own = chr(65 + truth.index(1.0))
        text = text.replace(own, chr(ord(own) + 0xFEE0))
    return Case("letters", "letter", emotions, text, truth)


def no_letter(rng: Random) -> Case:
    emotions, text, _ = _filled(rng, NOT_LETTERS)
    return Case("not letters", "letter", emotions, text, None)


# Rankings


def ranking(rng: Random) -> Case:
    emotions = rng.choice(SETS)
    order = rng.sample(range(len(emotions)), len(emotions))
    names = [written(rng, emotions, n) for n in order]
    size = len(order)
    weights = rank_weights(size)
    truth = tuple(float(weights[order.index(n)]) for n in range(size))
    numbered = [(k + 1, name) for k, name in enumerate(names)]
    shuffled = rng.sample(numbered, size)
    text = rng.choice((
        " > ".join(names), ">".join(names), "＞".join(names), " → ".join(names), " -> ".join(names), " < ".join(names[::-1]),
        ", ".join(names), "\n".join(names), ", then ".join(names), "\n".join(f"{k}. {a}" for k, a in shuffled),
        "\n".join(f"#{k} {a}" for k, a in shuffled), "\n".join(f"Rank {k}: {a}" for k, a in shuffled),
        "\n".join(f"{k}) **{a}**" for k, a in numbered), ", ".join(f"{a} ({k})" for k, a in numbered),
        "{" + ", ".join(f'"{k}": "{a}"' for k, a in shuffled) + "}",
        "[" + ", ".join(f'{{"rank": {k}, "emotion": "{a}"}}' for k, a in shuffled) + "]",
        "| Rank | Emotion |\n|---|---|\n" + "\n".join(f"| {k} | {a} |" for k, a in shuffled),
        "In ascending order: " + ", ".join(names[::-1]), "从低到高：" + "、".join(names[::-1]), "De menor a mayor: " + ", ".join(names[::-1]),
        "From least to most likely: " + ", ".join(names[::-1]), "From most to least likely: " + ", ".join(names),
        "Options: " + ", ".join(emotions.labels) + ".\n" + " > ".join(names), "Ranking: " + " > ".join(names),
    ))  # fmt: skip
    return Case("rankings", "ranked", emotions, text, truth)


def no_ranking(rng: Random) -> Case:
    emotions = rng.choice(SETS)
    names = [written(rng, emotions, n) for n in rng.sample(range(len(emotions)), len(emotions))]
    size = len(names)
    text = rng.choice((
        " > ".join([*names, names[0]]), "(from least to most likely) " + " > ".join(names), f"{names[0]} > not {' > '.join(names[1:])}",
        "\n".join(f"1. {a}" for a in names), "\n".join(f"{k + 2}. {a}" for k, a in enumerate(names)),
        ", ".join(f"{a}: {size - k}" for k, a in enumerate(names)), f"{names[0]} = {' > '.join(names[1:])}",
        " > ".join(names) + f". No wait, {names[1]} > {names[0]}", f"{names[0]} > {names[1]} < {names[2]}",
        "\n".join(f"{a}: {k * 7 + 3}%" for k, a in enumerate(names)), f"{names[0]} and {names[1]} > {' > '.join(names[2:])}",
        "reversed: " + ", ".join(names), "<think>" + " > ".join(names), f"{names[0]} > {names[1]}, {' > '.join(names[2:])}",
    ))  # fmt: skip
    return Case("no rankings", "ranked", emotions, text, None)


# Scripts and reasoning


def chinese(rng: Random) -> Case:
    if rng.random() < 0.5:
        values = shares(rng, 4)
        pairs = [(CHINESE.labels[n], h) for n, h in enumerate(values)]
        rng.shuffle(pairs)
        form = rng.choice(
            ("{a}：{h}%", "{a}{h}%", "{a}的概率是{h}%", "{a}（{h}%）", "百分之{h}{a}", "{h}％{a}")
        )
        text = rng.choice(("，", "；", "\n", "、")).join(form.format(a=a, h=h) for a, h in pairs)
        return Case("Chinese", "dictionary", CHINESE, text, tuple(h / 100 for h in values))
    n, m = rng.sample(range(4), 2)
    said = (
        "{a}",
        "说话人很{a}。",
        "答案：{a}",
        "不是{b}，而是{a}",
        "没有{b}，是{a}",
        "非常{a}",
        "毫无疑问是{a}",
        "【{a}】",
    )
    unsaid = (
        "不{a}",
        "没有{a}",
        "{a}吗？",
        "既不{a}也不{b}",
        "没有{a}、{b}",
        "{a}或{b}",
        "如果{a}",
        "{a}不明显",
        "是否{a}",
        "比{a}更{b}",
    )
    is_said = rng.random() < 0.5
    text = rng.choice(said if is_said else unsaid).format(a=CHINESE.labels[n], b=CHINESE.labels[m])
    return Case("Chinese", "word", CHINESE, text, one_hot(n, 4) if is_said else None)


TAGS = ("think", "Thinking", "reasoning", "THOUGHT", "analysis", "reflection", "scratchpad")


def reasoned(rng: Random) -> Case:
    case = rng.choice((structure, chatty, word, letter, ranking, denied))(rng)
    other = rng.choice((structure, chatty, word, letter, ranking, denied))(rng).text
    draft = other.replace("<answer>", "").replace("</answer>", "")
    tag = rng.choice(TAGS)
    if rng.random() < 0.25:  # never finished, whatever it names
        text = f"<{tag}>{draft} {case.text}".replace("<|im_end|>", "").replace("</s>", "")
        return replace(case, kind="reasoning", text=text, truth=None, finish=rng.choice(("stop", "length")))
    text = rng.choice((
        f"<{tag}>{draft}</{tag}>{case.text}", f"<{tag} budget=3>\n{draft}\n</{tag}>\n\n{case.text}", f"[THINK]{draft}[/THINK]{case.text}",
        f"{draft}</think>{case.text}", f"[BEGIN_THOUGHT]{draft}[END_THOUGHT]{case.text}", f"<unused94>thought\n{draft}<unused95>{case.text}", f"<think>a<think>{draft}</think>b</think>\n{case.text}", f"◁think▷{draft}◁/think▷{case.text}",
        f"<think>{draft}</think><answer>{case.text}</answer>",
    ))  # fmt: skip
    if "answer>" in case.text:
        text = f"<{tag}>{draft}</{tag}>{case.text}"
    return replace(case, kind="reasoning", text=text)


def cut_off(rng: Random) -> Case:
    case = rng.choice((structure, word))(rng)
    if case.format == "word":
        return replace(case, kind="cut off", finish="length", truth=None)
    at = rng.randint(0, max(len(case.text.rstrip()) - 2, 0))
    return replace(case, kind="cut off", finish="length", text=case.text[:at])


KINDS: tuple[Callable[[Random], Case], ...] = (
    structure, structure, chatty, broken_number, two_bindings, word, denied, letter, no_letter, ranking, no_ranking, chinese,
    reasoned, cut_off,
)  # fmt: skip


def make(rng: Random) -> Case:
    """One case of any kind."""
    return rng.choice(KINDS)(rng)
