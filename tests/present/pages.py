"""A report read as a browser reads it."""

import base64
import gzip
import json
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from ambivox.present.html import write_report
from ambivox.present.html.svg import WIDE_PX
from ambivox.run_folder import Run
from ambivox.scoring import DEFAULT_OPTIONS, ScoringOptions
from tests.present.runs import Made, make_run


@dataclass
class Element:
    """An element of a picture."""

    tag: str
    attributes: dict[str, str | None]
    text: str = ""


class Page(HTMLParser):
    """The page as a browser sees it: its elements, its text, its rows of tables, its pictures, its clips.

    Of each picture there are the elements of the wide one, each with its tag, attributes and text.
    """

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.rows: list[list[str]] = []
        self.scripts: list[str] = []
        self.pictures: list[list[Element]] = []
        self.clips: list[dict] = []
        self._inside: list[str] = []
        self._in_cell = False
        self._in_picture: list[Element] | None = None
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._inside = [tag] if tag in ("script", "style") else []
        if tag == "svg":
            self._in_picture = []
            if float(dict(attrs)["width"]) == WIDE_PX:
                self.pictures.append(self._in_picture)
        if self._in_picture is not None:
            self._in_picture.append(Element(tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")
            self._in_cell = True
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        kind = self.tags[-1][1].get("type") if tag == "script" else None
        if tag == "svg":
            self._in_picture = None
        if kind == "application/json":
            self.scripts.pop()
        if kind == "application/gzip":
            self.clips.append(json.loads(gzip.decompress(base64.b64decode(self.scripts.pop()))))
        self._inside = []
        if tag in ("th", "td"):
            self._in_cell = False

    def handle_data(self, data):
        if self._inside == ["script"]:
            self.scripts[-1] += data
        elif self._in_picture is not None:
            self._in_picture[-1].text += data
        elif not self._inside:
            self.text += data
            if self._in_cell:
                self.rows[-1][-1] += data

    @property
    def all_words(self) -> str:
        """Everything that is written, in labels for those who cannot see and in pictures too."""
        labels = " ".join(v for _, attrs in self.tags for v in attrs.values() if v)
        drawn = " ".join(element.text for picture in self.pictures for element in picture)
        return f"{self.text} {labels} {drawn}"


@dataclass(frozen=True)
class Report:
    """A made-up run and its page."""

    run: Run
    page: Page


def write(folder: Path, made: Made | None = None, options: ScoringOptions = DEFAULT_OPTIONS) -> Report:
    run = make_run(folder / "made-run", made)
    return Report(run, Page(write_report(run, folder / "report.html", options).read_text("utf-8")))


def report(tmp_path: Path, made: Made, options: ScoringOptions = DEFAULT_OPTIONS) -> Page:
    return write(tmp_path, made, options).page
