"""Option letters in an answer, told from articles, pronouns, initials and grades."""

from __future__ import annotations

import bisect
import re
from collections.abc import Sequence
from typing import NamedTuple

from ambivox.readouts.answers.mentions import Mention
from ambivox.readouts.answers.plain import CJK

_SINGLE = re.compile(rf"(?<![^\W_{CJK}])[A-Za-z](?![^\W_{CJK}])")
_ALONE = re.compile(r"\W*[A-Za-z]\W*")
_REACH, _REMARK = 40, 200

# "N/A", "A.I.", "B-", "C++", "'s"
_GLUED_BEFORE = re.compile(r"[^\W_]['/&.+-]$|[^\W_]\($|°$")
# "Mr. B", "Fig. B", "e.g. B"
_ABBREVIATED = re.compile(
    r"\b(?:mr|mrs|ms|dr|prof|st|figs?|ex|e\.g|i\.e|nr|no|vs|cf|sec|ch|vol|pp?|eq|tab)\. ?$", re.I
)
_GLUED_AFTER = re.compile(r"['/&.-][^\W_]|[+#&-]")
_OPENED, _CLOSED = re.compile(r"[(\[{\"']$"), re.compile(r"[)\]}\"']")

_START = re.compile(r"(?:\A|[\n.!?;])[ \"'(\[>#-]*\Z")
_CALLED = re.compile(
    r"(?:(?:\b(?:answers?|options?|choices?|letters?|choose|chose|chosen|pick|picked|select|selected"
    r"|antwort|lösung|réponse|respuesta|opción|risposta|opzione|resposta|opção|odpowiedź|opcja|antwoord"
    r"|svar(?:et)?|ответ)"
    r"(?: ?(?:is|was|would be|the|option|letter|likely|correct|ist|est|es|è|é|to|jest|är|er)\b ?"
    r"|[ :=-]){0,4})"
    r"|(?:答案|选择?|選擇?|选项|選項|应该是|應該是|正解は?|答えは?|정답은?|답은?)"
    r"(?:应该|應該)?[是为為:= ]{0,3})"
    r"[\"'(\[{]{0,2}\Z",
    re.IGNORECASE,
)
_SAID = re.compile(
    r"\b(?:go with|going with|i'd say|i say|i think|i guess|i believe|i am|it's|it is|is|be|not"
    r"|nor|neither|but"
    r"|therefore|thus|hence|so"
    r"|maybe|perhaps|probably|definitely|clearly|certainly|likely)[ :,]{0,2}[\"'(\[]?\Z",
    re.IGNORECASE,
)
_HEADS = re.compile(r"[\"'\])]*(?: ?(?P<sign>[-.:,)\]–—])(?!\w)|[ ]*(?:\n|\Z))")
_JUDGES = re.compile(
    r"[\"']? (?:is|because|since|as|or|and|seems|fits|matches|rather than|it is)\b|[\"']? ?\("
    r"|です|を選|选项|選項|입니다",
    re.IGNORECASE,
)
_REASONS = re.compile(
    r" ?(?:because|since|as|not|rather|which|definitely|clearly|certainly)\b", re.IGNORECASE
)
_GOES_ON = re.compile(r" +\w")
_WORDS = re.compile(r"[^\W\d_]")
_ONLY = re.compile(r" +\w+[ .!\"']*")


class Letters(NamedTuple):
    """The option letters of an answer, as places in the alphabet.

    Args:
        clear: those that can only be options.
        loose: single capitals that may be options or something else ("Speaker B").
    """

    clear: list[Mention]
    loose: list[Mention]


def find_letters(text: str, named: Sequence[Mention]) -> Letters:
    """The option letters in a plain text; `named`: where it names labels.

    >>> letters = find_letters("I think (b), not speaker C. A calm voice", [])
    >>> [["ABC"[letter.label] for letter in kind] for kind in letters]
    [['B'], ['C']]
    """
    letters = Letters([], [])
    starts = [mention.start for mention in named]
    alone = _ALONE.fullmatch(text) is not None
    for match in _SINGLE.finditer(text):
        at = match.start()
        before, after = text[max(at - _REACH, 0) : at], text[at + 1 : at + _REMARK].split("\n", 1)[0]
        if _GLUED_BEFORE.search(before) or _GLUED_AFTER.match(after):
            continue
        k = bisect.bisect(starts, at)
        next_one = named[k] if k < len(named) and starts[k] <= at + len(after) else None
        mention = Mention(ord(match[0].upper()) - ord("A"), at, at + 1)
        if alone or _is_clear(match[0], before, after, None if next_one is None else next_one.start - at - 1):
            letters.clear.append(mention)
        elif match[0].isupper() and not _is_word(match[0], after):
            letters.loose.append(mention)
    return letters


def _is_clear(letter: str, before: str, after: str, named: int | None) -> bool:
    """Whether a letter is an option; `named`: where the rest of its line names a label."""
    starts = _START.search(before) is not None and not _ABBREVIATED.search(before)
    if (_OPENED.search(before) and _CLOSED.match(after)) or (starts and after[:1] in (")", ".", "]")):
        return True
    if letter.islower():
        return not _GOES_ON.match(after) and _CALLED.search(before) is not None
    head = _HEADS.match(after) if starts else None
    if head:  # "A: The voice is loud" may be a speaker's turn
        reason = head["sign"] == "," and _REASONS.match(after, head.end())
        plainly = head["sign"] in (None, ".", ")", "]") or not _WORDS.search(after)
        return bool(reason) or plainly or named is not None
    if (
        starts
        and named is not None
        and not after[:named].strip(" ")
        and (letter not in "AI" or _ONLY.fullmatch(after))
    ):
        return True  # "B happy"; in "A happy voice" it is the article
    if _is_word(letter, after):
        return False
    if starts and _JUDGES.match(after):
        return True
    return _CALLED.search(before) is not None or _SAID.search(before) is not None


def _is_word(letter: str, after: str) -> bool:
    """Whether a letter is the article "a" or the pronoun "I"."""
    return letter in "AaI" and _GOES_ON.match(after) is not None and _JUDGES.match(after) is None
