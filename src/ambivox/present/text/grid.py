"""The grid of readings of one method: a line per cell of the method, a column per prompt."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ambivox.present.notes import note_text
from ambivox.present.text.cells import Footnotes, number
from ambivox.readouts import load_readout
from ambivox.scoring import ScoreRow, ScoreTable


def show_grid(console: Console, table: ScoreTable) -> None:
    """Print one score of every readout and prompt of the clips themselves; skill stands in brackets."""
    notes = Footnotes()
    groups: dict[tuple[str, str], list[ScoreRow]] = {}
    for row in table.rows:
        if row.level != "control" and row.control == "clip":
            groups.setdefault((row.corpus, row.model), []).append(row)
    for (corpus, model), rows in groups.items():
        prompts = list(dict.fromkeys(row.prompt for row in rows))
        lines = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for title in (f"{corpus}: {model}", "over", "normalise"):
            lines.add_column(title, no_wrap=True)
        for prompt in prompts:
            lines.add_column(prompt, justify="right", no_wrap=True)
        found = {(row.readout, row.prompt): row for row in rows}
        for readout in dict.fromkeys(row.readout for row in rows):
            options = dict(load_readout(readout).options)
            cells = [_cell(found.get((readout, prompt)), table.headline, notes) for prompt in prompts]
            lines.add_row(*(str(options.get(name, "")) for name in ("value", "over", "normalise")), *cells)
        console.print(lines)
        console.print()
    controls = (row for row in table.rows if row.level == "control" and table.headline in row.scores)
    beside = "; ".join(f"{r.corpus} {r.readout} {number(r.scores[table.headline].value)}" for r in controls)
    console.print(Text(f"{table.headline}, skill against the vote prior in brackets. {beside}."), style="dim")
    for place, reason in enumerate(notes.reasons):
        console.print(Text(f"{place + 1}: {reason}"), style="dim")
    for caution in table.cautions:
        console.print(Text(f"caution: {note_text(caution)}"), style="yellow")


def _cell(row: ScoreRow | None, metric: str, notes: Footnotes) -> str:
    if row is None:
        return ""
    if metric not in row.scores:
        return notes.mark(row.reason)
    lost = f" ({row.failed} failed)" if row.failed else ""
    return f"{number(row.scores[metric].value)} ({number(row.skill.get(metric), signed=True)}){lost}"
