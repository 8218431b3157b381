"""Whether what a text names is also what it says: denials, questions, comparisons and conditions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple

from ambivox.readouts.answers.languages import (
    WORD,
    denial_words,
    is_known,
    languages,
    languages_of,
    phrases_of,
    scripts,
)
from ambivox.readouts.answers.mentions import Mention
from ambivox.readouts.answers.plain import CJK

State = Literal["said", "denied", "unclear"]

_REFUSAL = re.compile(
    r"""
    \b(?:i|we)(?:'(?:m|re)|\ am|\ are)\s+(?:\w+\s+)?(?:sorry|afraid|unable|not\s+able|not\s+capable)\b
  | \bsorry\b(?=,?\s+(?:but\s+)?(?:i|we)\b)
  | \b(?:cannot|can\s+not|can't|could\s+not|couldn't)\s+(?!help\s+but\b)(?:\w+\s+){0,2}
    (?:determine|identify|tell|hear|listen|assist|help|answer|access|process|provide|say)\b
  | \b(?:do\s+not|don't|did\s+not|didn't)\s+(?:have|hear|receive|see)\s+(?:\w+\s+){0,3}
    (?:audio|access|ability|recording|clip|voice|sound)\b
  | \b(?:provide|upload|share|attach)\s+(?:\w+\s+){0,2}(?:audio|recording|clip|file)\b
  | \bas\s+an?\s+(?:[\w.]+\s+){0,2}(?:ai|a\.i\.|model)\b
  | \bno\s+(?:audio|recording|clip)\b
    """,
    re.VERBOSE,
)
# "I'd be happy to help" says nothing of the speaker; nor does "I'm afraid", which is a refusal above.
_COURTESY = re.compile(
    r"\b(?:i|we)(?:'m|'d|'ll|'re| am| would| will| are)(?: be)?(?: \w{1,12})? (?P<word>\w{1,20}) to\b"
    r"|\b(?P<first>\w{1,20}) to (?:help|assist|answer|analy[sz]e|provide|listen)\b"
)
# What a speaker said is no word of the model's: 'The speaker says "I am angry"'.
_QUOTED = re.compile(
    r"\b(?:says|said|saying|asks|asked|asking|shouts|shouted|uttered|utters|spoken|transcript|transcription|lyrics"
    r"|sentence|phrase)\b[ :,]{0,3}(?:is[ :]{0,2})?\"[^\"\n]*[^\W\d_] [^\"\n]*\""
)
_ASKS = frozenset(
    [
        "is",
        "are",
        "was",
        "were",
        "does",
        "do",
        "did",
        "could",
        "would",
        "might",
        "can",
        "may",
        "should",
        "has",
        "had",
    ]
)
_ASKED = frozenset(
    ["it", "this", "that", "the", "he", "she", "they", "there", "you", "i", "we", "someone", "anyone"]
)
_TOKEN = re.compile(
    r"(?P<deny>[❌❎✗✘✖✕☒☐🚫⛔👎¬≠]|\[ {0,3}\])|(?P<number>\d+(?:[.,]\d+)*\w*|\[ ?x ?\])"
    rf"|(?P<script>[{CJK}]+)|(?P<word>{WORD})|(?P<stop>[?!\n]|\.(?![a-z0-9]))"
    r"|(?P<list>、)|(?P<break>[;:,()\[\]{}|>—–/]|(?<= )- )"
)
_WORD = re.compile(WORD)
_REASONS = frozenset(
    ["because", "since", "weil", "car", "parce", "porque", "perché", "omdat", "ponieważ", "eftersom", "fordi"]
)
"""Words behind which a denial is not of the emotion: "angry because she is not heard"."""
_BEFORE = re.compile(r"([^\W\d_]+)-$")
_AFTER = re.compile(r"-([^\W\d_]+)| (free)\b")
_SHORT_OF = re.compile(
    r"\b(?:(?:low|lower|lowest)(?: levels? of)?|almost|nearly|about to (?:be|become|get|turn|sound)|pass for)"
    r"(?: an?)? $"
)
_OFFERED = re.compile(r"\b(?:options|choices|candidates|alternatives)\b[\"' ]{0,2}[:=][^\n]*")
"""What could have been chosen: "Options: angry, sad"."""
_LOW_AFTER = re.compile(
    r" (?:levels? )?(?:is|are|seems|remains)(?: (?:very|quite|rather|fairly|pretty|extremely))?"
    r" (?:low|minimal|weak)\b"
)
_ZERO_AFTER = re.compile(
    r"[,;]? (?:with|at)(?: an?| the)? (?:probability|likelihood|chance|confidence|score|share)(?: of)?"
    r" (?:0+(?:\.0+)?(?![\d.,]*\d)|zero|nil)"
)
_LOW_VALUE = re.compile(r" ?: ?(?:very |rather |quite )?(?:low|minimal|weak|faint)(?=\s*(?:[.,;\n]|\Z))")
_SUFFIXES = frozenset(["sounding", "looking", "like", "toned", "ish", "filled", "driven", "based"])


def is_refusal(low: str) -> bool:
    """Whether a text says that its writer cannot or will not answer.

    >>> is_refusal("i'm afraid i can't hear the clip."), is_refusal("the speaker is afraid.")
    (True, False)
    """
    return _REFUSAL.search(low) is not None


def may_deny(low: str) -> bool:
    """Whether any word of a text may belong to a denial; if not, `judge` denies none of its mentions.

    >>> may_deny('{"angry": 0.7}'), may_deny("not angry: 0.7")
    (False, True)
    """
    words = set(_WORD.findall(low))
    return "n't" in low or not words.isdisjoint(denial_words()) or scripts()[0].search(low) is not None


class Judged(NamedTuple):
    """A mention, and whether the text says it."""

    mention: Mention
    state: State


def judge(low: str, mentions: Sequence[Mention]) -> list[Judged]:
    """Whether each mention is said, denied, or neither for certain ("unclear").

    Unclear is also what stands in a question, a condition or a comparison, after a denial that may or may not
    go on, and in a sentence whose language is not known. A courtesy ("happy to help") and what a speaker is
    quoted with mention nothing.

    >>> from ambivox.emotions import load_emotions
    >>> from ambivox.readouts.answers.mentions import find_mentions
    >>> text = "not happy or sad, but angry. is it neutral?"
    >>> [judged.state for judged in judge(text, find_mentions(text, load_emotions("iemocap4")))]
    ['denied', 'denied', 'said', 'unclear']
    """
    if not mentions:
        return []
    refusals = [match.span() for match in _REFUSAL.finditer(low)]
    idle = [match.span() for pattern in (_COURTESY, _QUOTED) for match in pattern.finditer(low)]
    mentions = _outside(_outside(mentions, refusals), idle)
    judged: list[Judged] = []
    behind = 0  # the mentions from here on are in the sentence before
    for tokens, asks in _sentences(low, mentions, refusals):
        first = len(judged)
        if _judge_sentence(low, tokens, asks, judged):
            for k in range(behind, first):
                judged[k] = judged[k]._replace(state="denied")
        behind = first
    if not (offered := [match.span() for match in _OFFERED.finditer(low)]):
        return judged
    chosen = {mention.start for mention in _outside([one.mention for one in judged], offered)}
    return [one if one.mention.start in chosen else one._replace(state="unclear") for one in judged]


def _outside(mentions: Sequence[Mention], spans: Sequence[tuple[int, int]]) -> list[Mention]:
    kept, k = [], 0
    spans = sorted(spans)
    for mention in mentions:
        while k < len(spans) and spans[k][1] <= mention.start:
            k += 1
        if k == len(spans) or mention.end <= spans[k][0]:
            kept.append(mention)
    return kept


class _Token(NamedTuple):
    kind: str
    """mention, word, break, or what `languages` knows of a phrase: deny, deny-before, nor, also, but, doubt,
    says."""
    text: str
    mention: Mention | None = None


def _sentences(
    low: str, mentions: Sequence[Mention], refusals: Sequence[tuple[int, int]]
) -> Iterator[tuple[list[_Token], bool]]:
    """The tokens of each sentence, and whether it asks. A list after a colon belongs to its sentence."""
    tokens: list[_Token] = []
    listing = False
    for token, end in _tokens(low, mentions, refusals):
        if token.kind != "stop":
            tokens.append(token)
            continue
        if token.text == "\n" and tokens:
            listing = (listing or tokens[-1].text == ":") and not low.startswith("\n", end)
            if listing:
                tokens.append(_Token("break", token.text))
                continue
        if tokens:
            yield tokens, token.text == "?"
        tokens, listing = [], False
    if tokens:
        yield tokens, False


def _tokens(
    low: str, mentions: Sequence[Mention], refusals: Sequence[tuple[int, int]]
) -> Iterator[tuple[_Token, int]]:
    """Each token and where it ends; mentions and refusals are tokens of their own."""
    whole = [(m.start, m.end, _Token("mention", "", m)) for m in mentions]
    whole += [(a, b, _Token("refusal", "")) for a, b in refusals]
    position = 0
    for start, end, token in [*sorted(whole, key=lambda item: item[:2]), (len(low), len(low), None)]:
        for match in _TOKEN.finditer(low, position, start):
            if match.lastgroup == "script":
                yield from ((cue, match.end()) for cue in _script_cues(match[0]))
            else:
                yield _Token(match.lastgroup or "", match[0]), match.end()
        if token is not None:
            yield token, end
        position = max(position, end)


def _script_cues(run: str) -> Iterator[_Token]:
    pattern, means = scripts()
    for match in pattern.finditer(run):
        yield from (_Token(kind, "") for kind in means[match[0]])


def _judge_sentence(low: str, tokens: Sequence[_Token], asks: bool, judged: list[Judged]) -> bool:
    """Add the judged mentions of a sentence; whether it begins with a denial of what was said before it."""
    words = [token.text for token in tokens if token.kind == "word"]
    names = languages_of(words)
    bare = frozenset().union(*(languages()[name].bare for name in names))
    known = is_known(words)
    asks = asks or (len(words) > 1 and words[0] in _ASKS and words[1] in _ASKED and tokens[0].kind == "word")
    carry = points_back = refused = False
    behind = first = len(judged)
    for clause in _clauses(_with_phrases(tokens, names)):
        start = len(judged)
        refused = (refused or clause.refuses) and not clause.contrasts
        for mention, state in clause.judge(carry):
            if refused:
                state = "denied"
            elif state == "said" and (asks or not known):
                state = "unclear"
            judged.append(Judged(mention, _by_affix(low, mention) or state))
        bare_one = clause.other_words <= bare and not clause.heads and not clause.reasons
        if clause.denies and len(judged) == start and bare_one:
            points_back = points_back or start == first
            for k in range(behind, start):
                judged[k] = judged[k]._replace(state="denied")
            carry = False
        elif clause.denies:
            carry = True
        elif clause.states or clause.contrasts:
            carry = False
        if clause.words or len(judged) > start:
            behind = start
    return points_back


def _with_phrases(tokens: Sequence[_Token], names: frozenset[str]) -> list[_Token]:
    """The tokens with known phrases in place of their words."""
    by_first = phrases_of(names)
    found: list[_Token] = []
    k = 0
    while k < len(tokens):
        token, n = tokens[k], 1
        if token.kind == "word":
            for phrase, kind in by_first.get(token.text, ()):
                if (
                    all(
                        a.kind == "word" and a.text == b
                        for a, b in zip(tokens[k : k + len(phrase)], phrase, strict=False)
                    )
                    and len(phrase) <= len(tokens) - k
                ):
                    token, n = _Token(kind, " ".join(phrase)), len(phrase)
                    break
            else:
                if token.text.endswith("n't"):
                    token = _Token("deny", token.text)
        found.append(token)
        k += n
    return found


@dataclass
class _Clause:
    """What stands between two breaks.

    Args:
        contrasts: whether a "but" opens it.
        heads: whether a colon closes it.
        reasons: whether a "because" opens it, so that it denies nothing before it.
    """

    contrasts: bool = False
    heads: bool = False
    reasons: bool = False
    tokens: list[_Token] = field(default_factory=list)

    @cached_property
    def kinds(self) -> set[str]:
        return {token.kind for token in self.tokens}

    @cached_property
    def words(self) -> set[str]:
        return {word for token in self.tokens for word in token.text.split()}

    @property
    def other_words(self) -> set[str]:
        """The words that do not deny."""
        tokens = (token for token in self.tokens if token.kind not in ("deny", "nor"))
        return {word for token in tokens for word in token.text.split()}

    @property
    def denies(self) -> bool:
        return bool(self.kinds & {"deny", "deny-before", "nor"})

    @property
    def states(self) -> bool:
        return "says" in self.kinds

    @property
    def refuses(self) -> bool:
        return "refusal" in self.kinds

    def judge(self, carry: bool) -> Iterator[tuple[Mention, State]]:
        """Each mention and what this clause makes of it; `carry`: a denial before it may go on."""
        doubts = "doubt" in self.kinds
        denials, started = 0, self.contrasts
        listed = next((token.kind for token in self.tokens if token.kind != "word"), "") == "also"
        rest = [token.kind for token in self.tokens if token.kind in ("mention", "deny", "deny-before")]
        # "怒り、悲しみではない": a denial behind a list may be of all of it.
        listed_before = rest[-1:] == ["deny-before"] and not self.states and "deny" not in rest
        k = 0
        for token in self.tokens:
            k += token.kind in ("mention", "deny", "deny-before")
            if token.kind == "deny":
                denials += 1
            elif token.kind == "nor":
                denials = max(denials, 1)
            elif token.kind == "says" and not denials:
                started = True
            elif token.mention is not None:
                after = rest[k] if k < len(rest) else ""
                denied_after = after == "deny-before" or (after == "deny" and "mention" not in rest[k:])
                if doubts or denials > 1 or (denials and denied_after) or (after == "deny" and denied_after):
                    yield token.mention, "unclear"
                elif denials or denied_after:
                    yield token.mention, "denied"
                elif listed_before:
                    yield token.mention, "unclear"
                elif carry and not started:
                    yield token.mention, "denied" if listed else "unclear"
                else:
                    yield token.mention, "said"


def _clauses(tokens: Sequence[_Token]) -> Iterator[_Clause]:
    clause = _Clause()
    for token in tokens:
        last = clause.tokens[-1].text if clause.tokens else ""
        if token.text in ("(", "[", "{") and last in ("not", "no", "non", "nicht", "pas"):
            continue  # "not (angry)"
        gives_reason = token.text in _REASONS and "mention" in clause.kinds and not clause.denies
        if token.kind in ("break", "but") or gives_reason:
            clause.heads = token.text == ":"
            yield clause
            clause = _Clause(contrasts=token.kind == "but", reasons=gives_reason)
        elif token.kind != "sure":
            clause.tokens.append(token)
    yield clause


def _by_affix(low: str, mention: Mention) -> State | None:
    """What a word or a sign says that hangs on the mention: "non-angry", "anger-free", "!angry"."""
    if low[mention.start - 1 : mention.start] in ("!", "¬", "≠"):
        return "denied"
    if _ZERO_AFTER.match(low, mention.end):
        return "denied"
    short_of = _SHORT_OF.search(low[max(mention.start - 20, 0) : mention.start])
    if short_of or _LOW_AFTER.match(low, mention.end) or _LOW_VALUE.match(low, mention.end):
        return "unclear"
    before = _BEFORE.search(low[max(mention.start - 20, 0) : mention.start])
    if before:
        return "denied" if before[1] in ("non", "not", "un", "anti", "nicht") else "unclear"
    after = _AFTER.match(low, mention.end, mention.end + 20)
    if after and after[1] not in _SUFFIXES:
        return "denied" if after[1] in (None, "free", "less") else "unclear"
    return None
