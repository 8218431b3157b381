"""A report read as a browser reads it."""

import base64
import gzip
import json
from html.parser import HTMLParser
from pathlib import Path

from plotly.offline import get_plotlyjs

from ambivox.present.html import write_report
from ambivox.scoring import DEFAULT_OPTIONS, ScoringOptions
from tests.present.runs import Made, make_run


class Page(HTMLParser):
    """The page as a browser sees it: its elements, its text, its rows of tables, its figures, its clips."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.rows: list[list[str]] = []
        self.scripts: list[str] = []
        self.figures: list[dict] = []
        self.clips: list[dict] = []
        self._inside: list[str] = []
        self._in_cell = False
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._inside = [tag] if tag in ("script", "style") else []
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")
            self._in_cell = True
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        kind = self.tags[-1][1].get("type") if tag == "script" else None
        if kind == "application/json":
            self.figures.append(json.loads(self.scripts.pop()))
        if kind == "application/gzip":
            self.clips.append(json.loads(gzip.decompress(base64.b64decode(self.scripts.pop()))))
        self._inside = []
        if tag in ("th", "td"):
            self._in_cell = False

    def handle_data(self, data):
        if self._inside == ["script"]:
            self.scripts[-1] += data
        elif not self._inside:
            self.text += data
            if self._in_cell:
                self.rows[-1][-1] += data

    @property
    def all_words(self) -> str:
        """Everything that is written, in labels for those who cannot see and in pictures too."""
        labels = " ".join(v for _, attrs in self.tags for v in attrs.values() if v)
        return f"{self.text} {labels} {json.dumps(self.figures, ensure_ascii=False)}"


def report(tmp_path: Path, made: Made | None = None, options: ScoringOptions = DEFAULT_OPTIONS) -> Page:
    run = make_run(tmp_path / "made-run", made)
    source = write_report(run, tmp_path / "report.html", options).read_text("utf-8")
    return Page(source.replace(get_plotlyjs(), ""))  # five megabytes that take seconds to go through
