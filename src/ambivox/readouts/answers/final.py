"""Where the answer proper is in what a model wrote: after its reasoning, within its answer tags."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ambivox.readouts.answers.plain import blank, lower, plain

REASONING = (
    "think", "thinking", "thought", "thoughts", "reasoning", "reason", "analysis", "reflection", "reflect",
    "scratchpad", "rationale", "cot", "deliberation", "planning", "plan", "inner monologue", "internal",
    "critique", "思考", "推理", "分析",
)  # fmt: skip
"""The tags whose text is not the answer."""
ANSWER = (
    "answer", "final answer", "final", "output", "result", "response", "solution", "conclusion", "答案",
    "回答",
)  # fmt: skip
"""The tags whose text is the answer, and nothing else is."""

_NAMES = "|".join(sorted((*REASONING, *ANSWER), key=len, reverse=True)).replace(" ", "[ -]?")
# <think>, </Think>, <think budget="3">, <seed:think>, [THINK], <|begin_of_thought|>,
# [BEGIN_THOUGHT], <|thought_end|>, <unused94>, <|channel|>analysis<|message|>; `plain` has written spaces for
# underscores.
_TAG = re.compile(
    rf"""
      <[ ]{{0,3}}(?P<slash>/?)[ ]{{0,3}}(?:\w{{1,20}}:)?(?P<name>{_NAMES})(?P<rest>\b[^<>\n]{{0,200}})>
    | \[(?P<slash2>/|end[ ])?(?:(?:begin|start)[ ])?(?P<name2>{_NAMES})\]
    | <\|(?P<slash3>/|end[ ](?:of[ ])?)?(?:(?:begin|start)[ ](?:of[ ])?)?(?P<name3>{_NAMES})
      (?:[ ](?:begin|start|(?P<slash4>end)))?\|>
    | <unused9(?:4|(?P<slash5>5))>
    | <\|channel\|>[ ]?(?P<channel>\w{{1,20}})[^<>\n]{{0,80}}<\|message\|>
    """,
    re.VERBOSE,
)
_TORN = re.compile(r"<[ ]{0,3}/?[ ]{0,3}(?:think|reasoning|thought)\w*")
# The same channels after their special tokens were dropped: "analysisLoud, so angry.assistantfinalangry"
_GLUED = re.compile(r"\s*analysis(?=[A-Z\"'])")
_GLUED_FINAL = re.compile(r"assistant ?final")

_BOXED = re.compile(r"\\boxed\s{0,3}\{(?:\s{0,3}\\(?:text|textbf|mathrm)\s{0,3}\{)?([^{}\n]{0,200})\}")
_HEADING = re.compile(
    r"(?:^|(?<=[.!?]))[ #>*]*(?:so|thus|therefore|hence)?[, ]{0,3}(?:the |my )?(?:final |best |correct )?"
    r"(?:answer|final)(?: is)? ?: ?"
    r"|^ ?#{1,6} [*]*(?:(?:final |my )?answer|conclusion|verdict)[*]* *$",
    re.MULTILINE,
)
_END = re.compile(
    r"<\|(?:im end|eot id|end|endoftext|return|eos|end of turn|end of text|eom id|user|call)\|>"
    r"|<\|end.of.sentence\|>|</s>|<eos>|<end of turn>"
)
_SPECIAL = re.compile(
    r"<\|[^<>|\n]{1,60}\|>|</?s>|<(?:pad|unk|bos|eos|mask|image|audio)>|<start of turn>(?:model)?|\[/?inst\]",
    re.IGNORECASE,
)
# A prompt that a log holds before the answer: up to the first turn of the model.
_PROMPT = re.compile(
    r"\A\s*(?:(?:<s>|<bos>|<\|begin.of.text\|>)\s*)?(?:\[inst\]|<start of turn>user|<\|(?:system|user)\|>"
    r"|<\|(?:im start|start header id)\|>(?:system|user))"
)
_MODEL_TURN = re.compile(
    r"\[/inst\]|<\|im start\|>assistant|<\|start header id\|>assistant<\|end header id\|>"
    r"|<start of turn>model|<\|assistant\|>"
)
_ROLE = re.compile(r"\A\s*(?:assistant|model)\s{0,3}(?:\n|:)", re.IGNORECASE)


class Final(NamedTuple):
    """The answer proper.

    Args:
        text: what was written in plain signs, with spaces in place of all that is not the answer.
        fault: why there is none; empty if there is one.
    """

    text: str
    fault: str


def final(text: str) -> Final:
    r"""The answer in a text: what follows finished reasoning, what stands in answer tags or after "Answer:".

    >>> final("<think>Sad? Loud, so angry.</think>\n<answer>angry</answer>").text.strip()
    'angry'
    >>> final("<think>The speaker sounds angry").fault
    'the reasoning has no end'
    """
    text = _without_prompt(plain(text))
    start, blocks, fault = _after_reasoning(text)
    if fault:
        return Final(" " * len(text), fault)
    text = _own_turn(" " * start + text[start:])
    low = lower(text)
    blocks = blocks or [match.span(1) for match in _BOXED.finditer(low)] or _after_headings(low)
    if not blocks:
        return Final(text, "")
    if len({low[a:b].strip(" .\n\"'*") for a, b in blocks}) > 1:
        return Final(" " * len(text), "several answers that differ")
    a, b = blocks[0]
    return Final(" " * a + text[a:b] + " " * (len(text) - b), "")


def _after_reasoning(text: str) -> tuple[int, list[tuple[int, int]], str]:
    """Where reasoning ends, the spans of answer tags after it, and why there is no answer."""
    if _GLUED.match(text):
        ends = [match.end() for match in _GLUED_FINAL.finditer(text)]
        return (ends[-1], [], "") if ends else (0, [], "the reasoning has no end")
    low = lower(text)
    depth, start = 0, 0
    opened: int | None = None
    blocks: list[tuple[int, int]] = []
    for tag in _tags(low):
        if tag.reasons:
            depth = 0 if tag.whole else max(depth + (-1 if tag.closes else 1), 0)
            if tag.closes and depth == 0:  # text before a tag that was opened in the prompt is reasoning too
                start, blocks = tag.end, []
        elif depth == 0 and not tag.closes:
            opened = tag.end
        elif depth == 0 and opened is not None:
            blocks.append((max(opened, start), tag.start))
            opened = None
    if depth or any(not _TAG.match(low, torn.start()) for torn in _TORN.finditer(low, start)):
        return 0, [], "the reasoning has no end"
    if opened is not None:
        blocks.append((max(opened, start), len(text)))
    return start, blocks, ""


class _Tag(NamedTuple):
    reasons: bool
    closes: bool
    whole: bool
    """Whether it closes all that is open."""
    start: int
    end: int


def _tags(low: str) -> Iterator[_Tag]:
    for match in _TAG.finditer(low):
        if match["channel"]:
            answers = match["channel"] == "final"
            yield _Tag(True, answers, answers, match.start(), match.end())
        elif not (match["rest"] or "").rstrip().endswith("/"):
            name = (match["name"] or match["name2"] or match["name3"] or "thought").replace("-", " ")
            closes = any(match[f"slash{n}"] for n in ("", 2, 3, 4, 5))
            yield _Tag(name in REASONING, closes, False, match.start(), match.end())


def _after_headings(low: str) -> list[tuple[int, int]]:
    found = list(_HEADING.finditer(low))
    ends = [*(match.start() for match in found[1:]), len(low)]
    return [(match.end(), end) for match, end in zip(found, ends, strict=False)]


def _without_prompt(text: str) -> str:
    low = lower(text)
    turn = _MODEL_TURN.search(low) if _PROMPT.match(low) else None
    return " " * turn.end() + text[turn.end() :] if turn else text


def _own_turn(text: str) -> str:
    """Without special tokens, and without what follows the end of the model's own turn."""
    low, position = lower(text), 0
    for match in _END.finditer(low):
        said = _SPECIAL.sub("", low[position : match.start()]).strip()
        if said not in ("", "assistant", "model"):
            text = text[: match.start()] + " " * (len(text) - match.start())
            break
        position = match.end()
    return blank(blank(text, _SPECIAL), _ROLE)
