"""Marks of Markdown, HTML and programming around an answer: turned into plain signs, places kept."""

from __future__ import annotations

import re

from ambivox.readouts.answers.plain import blank

REMARKS = (
    "reason", "reasons", "reasoning", "explanation", "rationale", "justification", "comment", "comments",
    "note", "notes", "evidence", "analysis", "description", "transcript", "transcription", "why",
    "remark", "remarks", "disclaimer", "thinking", "thoughts", "thought process", "observation",
    "observations",
)  # fmt: skip
"""Fields that hold words about the answer, not the answer."""

_KEY = rf"(?:{'|'.join(REMARKS)})"
_QUOTED_REMARK = re.compile(
    rf"(?<=[\"']){_KEY}[\"'] ?: {{0,3}}(?:\"[^\"\n]*\"|'[^\n]{{0,600}}?'(?=\s{{0,9}}[,}}\]]))", re.IGNORECASE
)
_REMARK_LINE = re.compile(rf"^[ >*•-]*(?:brief |short )?{_KEY} {{0,3}}\*{{0,2}} ?:[^\n{{]*", re.I | re.M)
_STRUCK = re.compile(r"~~[^~\n]{1,200}~~")
_FENCE = re.compile(r"'{3,}\w{0,20}")
_COMMENT = re.compile(r"(?<=[^\s#>]) {1,9}(?://|#) [^\n]*|/\*[^*\n]{0,500}\*/|<!--[^>\n]{0,500}-->")
# np.float64(0.7), Decimal('0.7'), \text{sad}
_WRAPPED = re.compile(
    r"\b(?:(?:np|numpy|torch)\.)?(?:float(?:16|32|64)?|decimal|tensor)\([\"' ]{0,2}([\d.]+)[\"' ]{0,2}\)"
    r"|\\(?:text|textbf|textit|mathrm|mathbf|emph) ?\{([^{}\n]{0,200})\}",
    re.IGNORECASE,
)
_LEADERS = re.compile(r"(?<=[^\W\d_])[ ]?\.{3,}(?=[ ]?\d)")
_ABBREVIATED = re.compile(r"(?<!\w)(?:ca|approx|circa|env|aprox|prob|est)\.(?=[ ]?[\d~])", re.IGNORECASE)
_ARROW = re.compile(r"[-=]{1,3}>")
_STARS = re.compile(r"\*+")
_TAG = re.compile(
    r"<(?P<slash>/?) ?(?P<name>[^\W\d][\w -]{0,40}?)(?P<rest>(?: [^<>\n=]{1,40}=[^<>\n]{0,200})?) ?/?>"
)
_INLINE = frozenset(
    (
        "b",
        "i",
        "em",
        "strong",
        "span",
        "u",
        "sup",
        "sub",
        "small",
        "font",
        "a",
        "code",
        "mark",
        "html",
        "body",
    )
)
_BLOCK = frozenset(
    ("br", "p", "div", "li", "tr", "ul", "ol", "table", "tbody", "thead", "hr", "pre", "h1", "h2", "h3", "h4")
)
_CELL = frozenset(("td", "th"))


def tidy(text: str) -> str:
    r"""The text without emphasis, fences, comments and remarks; tags as line ends, cells or ``name:``.

    >>> tidy("**angry**: 0.7 // loud")
    '  angry  : 0.7        '
    >>> tidy("<angry>0.7</angry>")
    '\nangry:0.7\n       '
    """
    if "~~" in text:
        text = blank(text, _STRUCK)
    text = blank(blank(text, _QUOTED_REMARK), _REMARK_LINE)
    text = blank(blank(text, _FENCE), _COMMENT)
    if "(" in text or "\\" in text:
        text = _WRAPPED.sub(lambda m: (m[1] or m[2] or "").rjust(len(m[0])), text)
    text = blank(text, _LEADERS)
    text = _ABBREVIATED.sub(lambda match: match[0][:-1] + " ", text)
    if "*" in text:
        text = _STARS.sub(_emphasis, text)
    if "->" in text or "=>" in text:
        text = _ARROW.sub(lambda match: "→".rjust(len(match[0])), text)
    if "<" in text and ">" in text:
        closed = {match["name"].lower() for match in _TAG.finditer(text) if match["slash"]}
        text = _TAG.sub(lambda match: _tag(match, closed), text)
    return text


def _emphasis(match: re.Match[str]) -> str:
    """Stars between two numbers multiply, all others decorate."""
    text = match.string
    before = text[max(match.start() - 2, 0) : match.start()].rstrip()[-1:]
    after = text[match.end() : match.end() + 2].lstrip()[:1]
    multiplies = before.isdecimal() and (after.isdecimal() or after == "-")
    return match[0] if multiplies else " " * len(match[0])


def _tag(match: re.Match[str], closed: set[str]) -> str:
    name, inside = match["name"].lower(), match[0][1:-1]
    if name in _INLINE:
        return " " * len(match[0])
    if name in _BLOCK:
        return "\n" + " " * (len(match[0]) - 1)
    if name in _CELL:
        return (" " if match["slash"] else "|") + " " * (len(match[0]) - 1)
    if match["slash"]:
        return "\n" + " " * (len(match[0]) - 1)
    if match["rest"]:
        return f"\n{inside.rstrip('/').ljust(len(inside))}" + ("\n" if inside.endswith("/") else " ")
    return f"\n{inside}:" if name in closed else match[0]
