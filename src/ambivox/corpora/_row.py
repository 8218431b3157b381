"""One row of a table that describes utterances: how its cells are read."""

from __future__ import annotations

import ast
import json
import math
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any, Literal

from ambivox.corpora._columns import TEXTS
from ambivox.corpora.corpus import Utterance
from ambivox.corpora.load_issues import LoadIssues
from ambivox.corpora.words import NOT_RATED, is_no_label, is_nothing, is_unknown, joint, split_labels
from ambivox.errors import UsageError
from ambivox.location import is_address, location
from ambivox.raters.ratings import Rating

VoteKind = Literal["counts", "shares", "percent", "selected"]
"""What the numbers under ``votes`` are: counts of raters, shares of them, shares in percent, or for each
label the share of the raters who selected it, where one may select several."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)
_WHOLE = {"shares": 1.0, "percent": 100.0}
_ROUNDING = 0.025
"""How far from 1 shares may sum that were rounded to two decimals each."""
_ROUNDED_SHARE = 0.006
"""How far a share that was written with two decimals may be from that of a whole number of raters."""
_LONGEST_NAME = 255
_LONGEST_PRINTED = 10_000


@dataclass(frozen=True)
class Row:
    """A row of a table and what it says of an utterance; its errors name file, row and column.

    Args:
        path: the table.
        where: "row 3", or "line 3" of JSONL.
        cells: our column -> value, without missing values.
        named: our column -> theirs, for errors.
        load_issues: gets what is odd and survived.
        kind: what the numbers under ``votes`` are; None: counts, unless their names say otherwise.
        decimal_comma: "0,75" is a number, as in tables that are parted by semicolons.
    """

    path: Path
    where: str
    cells: Mapping[str, Any]
    named: Mapping[str, str]
    load_issues: LoadIssues
    kind: VoteKind | None = None
    decimal_comma: bool = False

    def fault(self, column: str, what: str) -> UsageError:
        """The error for a cell."""
        return UsageError(f"{self.path}: {self.where}, column {self.named.get(column, column)!r}: {what}")

    def utterance(
        self,
        id_: str,
        audio: Path,
        ratings: tuple[Rating, ...] | None = None,
        votes: Mapping[str, int] | None = None,
    ) -> Utterance:
        """The utterance under an id, with a sound file; its ratings where they are not of this row alone."""
        start_s, end_s = self.seconds("start"), self.seconds("end")
        if end_s is not None and end_s <= (start_s or 0):
            raise self.fault("end", f"{end_s:g} s is not after the start, {start_s or 0:g} s")
        shares: dict[str, float] = {}
        if ratings is None:
            votes, shares, ratings = self.judged()
        texts: dict[str, Any] = {column: self.text(column) for column in TEXTS}
        return Utterance(
            id=id_,
            audio=audio,
            start_s=start_s,
            end_s=end_s,
            channel=self.channel(),
            turn=self.whole("turn", self.cells.get("turn")),
            votes=votes or {},
            shares=shares,
            ratings=ratings,
            consensus=self.one_label("consensus"),
            source=f"{self.where} of {self.path.name}",
            **texts,
        )

    def text(self, column: str) -> str | None:
        """A cell as text; whole numbers are written out, and words for no value are none."""
        value = self.cells.get(column)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, float) and math.isnan(value):
            return None
        if value is not None and not isinstance(value, str):
            raise self.fault(column, f"{value!r} is not a text")
        if value is None or column == "transcript":
            return value
        if column == "speaker" and is_unknown(value):
            self.load_issues.add("utterances whose speaker is not known", self.where)
            return None
        return None if is_nothing(value) else value

    def one_label(self, column: str) -> str | None:
        """A cell with the one label of an utterance."""
        given = self.text(column)
        return None if given is None or is_no_label(given) else self.label(column, given)

    def label(self, column: str, text: str) -> str:
        """A piece of text as one label."""
        text = text.strip()
        if is_nothing(text):
            what = f"{text!r}, which says that there is none" if text else "empty"
            raise self.fault(column, f"a label is {what}: name it or leave it out")
        mark = joint(text)
        if mark:
            raise self.fault(
                column,
                f"{text!r} is several labels, or one with {mark!r} in it: give raters one label each under "
                "'ratings', or rename it",
            )
        if text.isdecimal():
            self.load_issues.add(
                "labels that are numbers without words",
                f"{self.where}: {text}",
                fix="write the emotion's name in their place",
            )
        return text

    def number(self, column: str, value: Any) -> float | None:
        """A value as a finite number."""
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            value = float(value)
        elif isinstance(value, str) and _DECIMAL_COMMA.fullmatch(value):
            if not self.decimal_comma:
                raise self.fault(column, f"{value!r} is not a number: write a decimal point")
            value = float(value.replace(",", "."))
        if value is None or (isinstance(value, float) and math.isfinite(value)):
            return value
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
            return float(value)
        raise self.fault(column, f"{value!r} is not a number")

    def seconds(self, column: str) -> float | None:
        """A cell as seconds from 0 up."""
        value = self.number(column, self.cells.get(column))
        if value is not None and value < 0:
            raise self.fault(
                column, f"{value:g} s is before the beginning of the file: give seconds from 0 up"
            )
        return value

    def channel(self) -> int | Literal["mix"] | None:
        """Which channel of the file is heard."""
        value = self.cells.get("channel")
        if isinstance(value, str) and value.lower() == "mix":
            return "mix"
        try:
            number = self.whole("channel", value)
        except UsageError:
            number = -1
        if number is not None and number < 0:
            raise self.fault("channel", f"{value!r} is no channel: give a number from 0, or mix")
        return number

    def whole(self, column: str, value: Any) -> int | None:
        """A value as a whole number."""
        number = self.number(column, value)
        if number is not None and not (number.is_integer() and abs(number) < 2**53):
            raise self.fault(column, f"{number:g} is not a whole number")
        return None if number is None else int(number)

    def audio(self, folder: Path, root: Path | None = None) -> Path:
        """The sound file that the cell names, inside `folder` (resolved).

        An address in storage (``s3://bucket/a.wav``) is taken as it is. Paths of Windows are understood.
        Where the files were moved to `root`, a path of elsewhere is looked for there by as much of its end as
        is found, so at least by its name.
        """
        given = self.text("audio")
        if given is None:
            raise self.fault("audio", "is empty: every utterance needs one")
        if is_address(given) and root is None:
            return location(given)
        windows = PureWindowsPath(given)
        try:
            if any(len(part.encode()) > _LONGEST_NAME for part in windows.parts):
                raise self.fault("audio", f"a name of more than {_LONGEST_NAME} bytes: no file has it")
            if root is not None:
                return _under(root, windows)
            local = folder / given
            if "\\" in given and not local.exists():
                local = folder / windows.as_posix()
            elsewhere = bool(windows.drive) or given.startswith("\\") or ".." in windows.parts
            if elsewhere or not local.resolve().is_relative_to(folder):
                raise self.fault(
                    "audio",
                    f"{given!r} leaves the table's folder: give a path inside it, or say where the audio "
                    "lies with the option audio_folder",
                )
        except UnicodeEncodeError:
            raise self.fault("audio", f"{given!r} is not Unicode text: rename the file") from None
        except (OSError, RuntimeError, ValueError):  # a loop of links, or a name that no file can have
            raise self.fault("audio", f"{given!r} is not a path of a file") from None
        return self.path.parent / local.relative_to(folder)

    def judged(self) -> tuple[dict[str, int], dict[str, float], tuple[Rating, ...]]:
        """Counts of votes, or shares where no counts are known, and what each rater said."""
        if "ratings" in self.cells:
            labels = self.ratings()
            return dict(Counter(labels)), {}, tuple(Rating(None, (label,)) for label in labels)
        kind: VoteKind = "counts"
        numbers: dict[str, float] = {}
        for column, label, value in self._entries():
            way = column.partition(".")[0]
            kind = self.kind or "counts"
            if kind != "selected":
                kind = "shares" if way == "shares" else "percent" if way == "percent" else kind
            label = self.label(column, label)
            if label in numbers:
                raise self.fault(column, f"the label {label!r} stands there twice: add its counts up")
            number = self._vote(column, value, kind)
            if number is not None:
                numbers[label] = number
        given = {label: number for label, number in numbers.items() if number}
        if kind == "counts":
            return {label: int(number) for label, number in given.items()}, {}, ()
        return self._selected(given) if kind == "selected" else self._shares(given, kind)

    def _vote(self, column: str, value: Any, kind: VoteKind) -> float | None:
        if kind == "percent" and isinstance(value, str):
            value = value.removesuffix("%").strip()
        number = self.number(column, value)
        if number is None:
            return None
        if number < 0:
            raise self.fault(column, f"{number:g} votes: a count is a whole number from 0 up")
        if kind == "counts" and not (number.is_integer() and number < 2**53):
            raise self.fault(
                column,
                f"{number:g} is not a whole number; for shares of the raters call the column shares.LABEL or "
                "percent.LABEL, or give the option votes=shares or votes=percent",
            )
        return number

    def _shares(
        self, given: Mapping[str, float], kind: Literal["shares", "percent"]
    ) -> tuple[dict[str, int], dict[str, float], tuple[Rating, ...]]:
        total = sum(given.values()) / _WHOLE[kind]
        if not given:
            return {}, {}, ()
        if abs(total - 1) > _ROUNDING:
            raise self.fault(
                next(iter(self.named_votes())),
                f"{kind} sum to {total * _WHOLE[kind]:g}, not to {_WHOLE[kind]:g}: give those of all labels",
            )
        shares = {label: number / _WHOLE[kind] / total for label, number in given.items()}
        n_raters = self.whole("n_raters", self.cells.get("n_raters"))
        if n_raters is None:
            return {}, shares, ()
        counts = {label: round(share * n_raters) for label, share in shares.items()}
        off = (
            max(abs(shares[label] - count / n_raters) for label, count in counts.items())
            if n_raters > 0
            else 1
        )
        if n_raters < 1 or sum(counts.values()) != n_raters or off > _ROUNDED_SHARE:
            raise self.fault(
                "n_raters",
                f"these are not the shares of {n_raters} raters with one vote each: leave the number out if "
                "raters gave shares themselves",
            )
        return {label: count for label, count in counts.items() if count}, {}, ()

    def _selected(
        self, given: Mapping[str, float]
    ) -> tuple[dict[str, int], dict[str, float], tuple[Rating, ...]]:
        n_raters = self.whole("n_raters", self.cells.get("n_raters")) or 0
        counts = {label: round(share * n_raters) for label, share in given.items()}
        off = [abs(share - counts[label] / n_raters) for label, share in given.items() if n_raters > 0]
        if given and (n_raters < 1 or max(off) > _ROUNDED_SHARE or max(counts.values()) > n_raters):
            raise self.fault(
                "n_raters",
                f"with votes=selected it says how many raters there were, and {n_raters} raters give no such "
                "shares: name its column with columns.n_raters",
            )
        return {label: count for label, count in counts.items() if count}, {}, ()

    def named_votes(self) -> list[str]:
        """Our columns of this row that hold votes."""
        return [column for column in self.cells if column.partition(".")[0] in ("votes", "shares", "percent")]

    def _entries(self) -> Iterator[tuple[str, str, Any]]:
        """Column, label and number as given."""
        for column in self.named_votes():
            value = self.cells[column]
            if "." in column:
                yield column, column.partition(".")[2], value
                continue
            if isinstance(value, str):
                value = self.parse(column, value)
            if isinstance(value, dict):
                value = list(value.items())
            if not isinstance(value, list) or not all(isinstance(pair, tuple) for pair in value):
                raise self.fault(
                    column, 'expected an object of label and count, such as {"angry": 3, "sad": 1}'
                )
            yield from ((column, str(label), number) for label, number in value)

    def ratings(self) -> list[str]:
        """One label for each rater, in their order; raters who gave none are counted and left out."""
        given = self.cells.get("ratings", [])
        try:
            if isinstance(given, str) and is_nothing(given):
                given = [given]
            elif isinstance(given, str):
                listed = given.lstrip().startswith("[")
                given = self.parse("ratings", given) if listed else split_labels(given)
        except ValueError as error:
            raise self.fault("ratings", str(error)) from None
        if not isinstance(given, list):
            raise self.fault("ratings", 'expected labels, such as angry; sad or ["angry", "sad"]')
        labels = []
        for label in given:
            if label is None or (isinstance(label, float) and math.isnan(label)) or label == NOT_RATED:
                label = ""
            if not isinstance(label, str):
                raise self.fault("ratings", 'expected labels, such as angry; sad or ["angry", "sad"]')
            if not is_no_label(label):
                labels.append(self.label("ratings", label))
            elif len(given) > 1 or label.strip():
                self.load_issues.add("ratings without a label (empty, nan, none), left out", self.where)
        return labels

    def parse(self, column: str, text: str) -> Any:
        """The JSON in a cell, or a list or dictionary as Python prints it."""
        try:
            return parse_json(text)
        except ValueError as error:
            printed = _as_printed(text)
            if printed is None:
                raise self.fault(column, f"not JSON ({error})") from None
            return printed


def _under(root: Path, path: PureWindowsPath) -> Path:
    """The file below a folder by the longest end of a path that is there, or by the name alone."""
    parts = [part for part in path.parts if part not in ("..", path.anchor)]
    if not parts:
        raise ValueError("a path without a name")
    ends = (root.joinpath(*parts[n:]) for n in range(len(parts)))
    found = (end for end in ends if end.exists() and end.resolve().is_relative_to(root.resolve()))
    return next(found, root / parts[-1])


def parse_json(text: str) -> Any:
    """Parse JSON; ValueError, with one line, also for a key that stands twice in an object."""
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _as_printed(text: str) -> Any:
    """A list or dictionary of plain values as Python prints it (``['angry', 'sad']``); None if it is none."""
    if len(text) > _LONGEST_PRINTED:
        return None
    try:
        with warnings.catch_warnings(action="ignore"):
            node = ast.parse(text.strip(), mode="eval").body
            if isinstance(node, ast.Dict):
                keys = [ast.literal_eval(key) for key in node.keys if key is not None]
                return _unique(list(zip(keys, map(ast.literal_eval, node.values), strict=True)))
            return ast.literal_eval(node) if isinstance(node, ast.List) else None
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for key, count in Counter(key for key, _ in pairs).items():
        if count > 1:
            raise ValueError(f"the key {key!r} stands {count} times")
    return dict(pairs)
