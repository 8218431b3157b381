"""Prompts: versioned templates with an answer format, rendered with an emotion set and option order."""

from __future__ import annotations

import functools
import hashlib
import string
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import jinja2
import jinja2.meta
import numpy as np
import yaml
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ambivox.emotions import EmotionSet
from ambivox.errors import UsageError, first_line
from ambivox.guarded import a_
from ambivox.registry import Registry
from ambivox.yaml_file import read_mapping

AnswerFormat = Literal["word", "letter", "sentence", "dictionary", "percentages", "ranked", "free"]

LETTERS = string.ascii_uppercase

# Templates come from users too: sandboxed, and a misspelt variable is an error, not an empty string.
_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
_VARIABLES = {"options", "lettered", "sentences", "transcript", "context"}
_SHOWN: dict[AnswerFormat, tuple[str, str]] = {
    "letter": ("lettered", "the letters and options"),
    "sentence": ("sentences", "the sentences to choose from"),
}
"""What the text of a prompt has to show for its answers to say anything."""
_NODES = (
    *(
        "Template",
        "Output",
        "TemplateData",
        "Name",
        "Const",
        "Tuple",
        "For",
        "If",
        "CondExpr",
        "Filter",
        "Test",
    ),
    *("Getattr", "Getitem", "Compare", "Operand", "And", "Or", "Not", "Concat", "Add", "Sub"),
)
_FILTERS = (
    "join",
    "upper",
    "lower",
    "capitalize",
    "title",
    "trim",
    "length",
    "count",
    "first",
    "last",
    "list",
)
_MAX_LOOPS = 2
"""Loops inside of loops: with what a template may use (no calls, no products, no assignments), writing one
takes at most its own length times the square of the number of options, so it needs no time limit."""


class Prompt(BaseModel):
    """A template and the format of the answer that it asks for.

    ``text`` is a Jinja template that sees ``options`` (the option words in their order), ``lettered`` (pairs
    of letter and option), ``transcript`` and ``context`` (whole lines, empty when there is none). In the
    format ``sentence``, ``answer`` is the template of what stands for a label and sees ``label``, an option
    word; ``text`` sees these answers as ``sentences``, in the order of the options.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[\w.-]+$")
    version: Annotated[int, Field(ge=1)]
    format: AnswerFormat
    text: Annotated[str, Field(min_length=1, max_length=20_000)]
    answer: Annotated[str, Field(max_length=2_000)] = ""
    description: str = ""
    max_new_tokens: Annotated[int, Field(ge=1, le=4096)] = 32
    max_new_tokens_per_option: Annotated[int, Field(ge=0, le=256)] = 0

    @model_validator(mode="after")
    def _check_template(self) -> Prompt:
        used = _checked(self.text, "template", _VARIABLES)
        shown, meaning = _SHOWN.get(self.format, ("", ""))
        if shown and shown not in used:
            raise ValueError(f"the template of a {self.format} prompt must write {shown!r}, {meaning}")
        if self.format != "sentence":
            if self.answer or "sentences" in used:
                raise ValueError("answer and sentences belong to prompts of the format 'sentence'")
        elif "label" not in _checked(self.answer, "template of the answer", {"label"}):
            raise ValueError("a sentence prompt needs an answer that writes 'label': 'I am {{ label }}.'")
        return self

    def render(
        self,
        emotions: EmotionSet,
        *,
        order: Sequence[int] | None = None,
        wording: Sequence[str] | None = None,
        transcript: str | None = None,
        context: Sequence[str] = (),
    ) -> RenderedPrompt:
        """Write the prompt for an emotion set.

        Args:
            emotions: the options, N labels.
            order: a permutation of ``range(N)``: ``order[k]`` is the label offered as option k.
            wording: shape ``(N,)``, the form that stands for each label; None takes the labels themselves.
            transcript: what is said in the clip, if the model may read it.
            context: earlier turns of the dialogue, oldest first, written ``speaker: words``.

        Raises:
            UsageError: `order` is not a permutation, more than 26 lettered options, or the template fails.

        >>> from ambivox.emotions import load_emotions
        >>> rendered = load_prompt("letter").render(load_emotions("iemocap4"), order=[3, 2, 1, 0])
        >>> print(rendered.text)
        Listen to the voice. Which emotion does it carry?
        A. sad
        B. angry
        C. happy
        D. neutral
        Answer with the letter only.
        >>> rendered.answers[0]
        ('D',)
        """
        order = tuple(range(len(emotions))) if order is None else tuple(int(n) for n in order)
        if sorted(order) != list(range(len(emotions))):
            raise UsageError(f"prompt {self.name!r}: order {list(order)} is not a permutation of the labels")
        if len(order) > len(LETTERS) and "lettered" in self.variables:
            raise UsageError(f"prompt {self.name!r}: {len(order)} options, letters go up to {len(LETTERS)}")
        words = tuple(emotions.labels if wording is None else wording)
        options = tuple(words[n] for n in order)
        answers = self._answers(emotions, order, words)
        text = self._write(
            self.text,
            options=options,
            lettered=tuple(zip(LETTERS, options, strict=False)),
            sentences=tuple(answers[n][0] for n in order),
            transcript=f'The speaker says: "{transcript}"\n' if transcript else "",
            context="".join(["Before this:\n", *(f"{turn}\n" for turn in context)]) if context else "",
        )
        return RenderedPrompt(
            name=self.name,
            version=self.version,
            format=self.format,
            text=text,
            order=order,
            wording=words,
            shows_transcript=bool(transcript) and "transcript" in self.variables,
            answers=answers,
            max_new_tokens=self.max_new_tokens + self.max_new_tokens_per_option * len(emotions),
        )

    def _answers(
        self, emotions: EmotionSet, order: tuple[int, ...], words: tuple[str, ...]
    ) -> tuple[tuple[str, ...], ...]:
        if self.format == "letter":
            return tuple((LETTERS[order.index(n)],) for n in range(len(emotions)))
        written = tuple(
            (word, *(form for form in forms if form != word))
            for word, forms in zip(words, emotions.forms, strict=True)
        )
        if self.format == "sentence":
            return tuple(tuple(self._write(self.answer, label=form) for form in own) for own in written)
        return written

    @property
    def takes_context(self) -> bool:
        """Whether the template has a place for earlier turns of the dialogue."""
        return "context" in self.variables

    @property
    def variables(self) -> frozenset[str]:
        """What the template writes: ``options``, ``lettered``, ``sentences``, ``transcript``, ``context``."""
        return _variables_of(self.text)

    def _write(self, template: str, **values: Any) -> str:
        try:
            return _template(template).render(**values)
        except Exception as error:  # templates come from users too, and may divide by zero
            raise UsageError(f"prompt {self.name!r}: the template fails: {first_line(error)}") from None


# A study writes the same few prompts for every clip; compiling one takes as long as a small model's answer.
@functools.lru_cache(maxsize=256)
def _template(text: str) -> jinja2.Template:
    return _ENVIRONMENT.from_string(text)


def _checked(text: str, what: str, known: AbstractSet[str]) -> frozenset[str]:
    """The variables of a template that can be written with what it may use."""
    try:
        fault = _too_much(text)  # first: to look for variables already computes what is constant
        used = frozenset() if fault else _variables_of(text)
    except jinja2.TemplateError as error:
        raise ValueError(f"the {what} fails: {first_line(error)}") from None
    if fault:
        raise ValueError(f"the {what} {fault}")
    if used - known:
        unknown = ", ".join(sorted(used - known))
        raise ValueError(f"the {what} uses {unknown}, known are {', '.join(sorted(known))}")
    return used


def _too_much(text: str) -> str:
    """What a template uses that could run on for ever, or into all memory; empty if nothing."""
    tree = _ENVIRONMENT.parse(text)
    for node in tree.find_all(jinja2.nodes.Node):
        kind = type(node).__name__
        if kind not in _NODES:
            return f"uses {kind}, which prompts have no use for: loops, conditions and joined options will do"
        if isinstance(node, jinja2.nodes.Filter) and node.name not in _FILTERS:
            return f"uses the filter {node.name!r}, known here are {', '.join(_FILTERS)}"
    return "has loops inside of loops inside of loops" if _depth(tree) > _MAX_LOOPS else ""


def _depth(node: jinja2.nodes.Node) -> int:
    inner = max(map(_depth, node.iter_child_nodes()), default=0)
    return inner + isinstance(node, jinja2.nodes.For)


@functools.lru_cache(maxsize=256)
def _variables_of(text: str) -> frozenset[str]:
    return frozenset(jinja2.meta.find_undeclared_variables(_ENVIRONMENT.parse(text)))


@dataclass(frozen=True)
class RenderedPrompt:
    """What is asked, and what an answer to it may look like, about N labels."""

    name: str
    """Name of the prompt."""
    version: int
    """Its version, which changes with its wording."""
    format: AnswerFormat
    """The format of the answer that it asks for."""
    text: str
    """The words of the user's turn."""
    order: tuple[int, ...]
    """Shape ``(N,)``: the label that was offered as option 0, 1, ..."""
    answers: tuple[tuple[str, ...], ...]
    """Shape ``(N,)``: for each label the written forms that name it in an answer, the offered one first."""
    max_new_tokens: int
    """How many tokens an answer may take."""
    wording: tuple[str, ...] = ()
    """Shape ``(N,)``: the form that stood for each label among the options."""
    shows_transcript: bool = False
    """Whether the words of the clip are in the text."""

    @property
    def text_hash(self) -> str:
        """The text as 16 hexadecimal digits."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]


def option_order(n_labels: int, seed: int | None) -> tuple[int, ...]:
    """The order of options for a seed; None keeps the order of the set.

    >>> option_order(4, None), option_order(4, 1) == option_order(4, 1)
    ((0, 1, 2, 3), True)
    """
    if seed is None:
        return tuple(range(n_labels))
    return tuple(int(n) for n in np.random.default_rng(seed).permutation(n_labels))


def load_prompt(name: str | Path) -> Prompt:
    """Load a prompt by name, or from a YAML file of one's own (a path that ends in .yaml or .yml).

    Raises:
        UsageError: unknown name, missing file, or a file whose keys or values are not those of `Prompt`.

    >>> load_prompt("word").format
    'word'
    """
    if str(name).endswith((".yaml", ".yml")):
        return _read_prompt(Path(name))
    return PROMPTS[str(name)]


def _read_prompt(path: Path, name: str | None = None) -> Prompt:
    data = read_mapping(path, "a prompt")
    try:
        return Prompt.model_validate({"name": name or path.stem} | data)
    except ValidationError as error:
        first = error.errors()[0]
        where = "".join(f"{part}: " for part in first["loc"])
        raise UsageError(f"{path}: {where}{first_line(first['msg'].removeprefix('Value error, '))}") from None


def as_prompt(name: str, item: object) -> Prompt:
    """A prompt from a `Prompt`, or from the path of a YAML file."""
    if isinstance(item, str | Path):
        item = _read_prompt(Path(item), name)
    if not isinstance(item, Prompt):
        raise ValueError(f"expected a Prompt or the path of its YAML file, not {a_(item)}")
    if item.name != name:
        raise ValueError(f"it calls itself {item.name!r}: name and entry point must be the same")
    return item


def _built_in() -> dict[str, Prompt]:
    prompts: dict[str, Prompt] = {}
    folder = resources.files("ambivox.prompts") / "templates"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".yaml"):
            data = yaml.safe_load(file.read_text(encoding="utf-8"))
            name = file.name.removesuffix(".yaml")
            prompts[name] = Prompt.model_validate({"name": name} | data)
    return prompts


PROMPTS = Registry("prompt", group="ambivox.prompts", accept=as_prompt, built_in=_built_in())
"""Prompts by name; other packages add theirs as entry points of the group ``ambivox.prompts``."""
