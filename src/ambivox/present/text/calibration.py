"""A calibration that is kept, a line for each prompt and readout."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ambivox.calibration import KeptCalibration, KeptFit
from ambivox.present.text.plain import plain

_COLUMNS = (
    "prompt",
    "readout",
    "temperature",
    "clips",
    "speakers",
    "nats before",
    "after",
    "JSD bits",
    "after",
)


def show_calibration(console: Console, kept: KeptCalibration) -> None:
    """Print what it was fitted to, and how it does on clips that it was not fitted to."""
    console.print(plain(f"{kept.method} of {kept.model}, fitted to {', '.join(kept.corpora)}"))
    table = Table(box=None, pad_edge=False)
    for n, column in enumerate(_COLUMNS):
        table.add_column(column, header_style="bold", justify="left" if n < 2 else "right")
    for fit in kept.fits:
        table.add_row(*_cells(fit))
    console.print(table)
    told = dict.fromkeys(fit.held_out.on for fit in kept.fits if fit.held_out)
    console.print(
        plain(f"cross-entropy in nats and JSD on clips held out: {', '.join(told) or 'none'}", "dim")
    )
    for fit in kept.fits:
        for said in _cautions(fit):
            console.print(plain(f"{fit.prompt}/{fit.readout}: {said}", style="yellow"))


def _cells(fit: KeptFit) -> list[Text]:
    flat = not any(fit.shift) and len(set(fit.scale)) == 1
    cells = [fit.prompt, fit.readout, f"{fit.scaling.temperature:.2f}" if flat else "", str(fit.n_clips)]
    cells.append("" if fit.n_speakers is None else str(fit.n_speakers))
    pairs = (fit.held_out.loss_nats, fit.held_out.jsd_bits) if fit.held_out else ((None, None), (None, None))
    cells += ["" if value is None else f"{value:.3f}" for pair in pairs for value in pair]
    return [plain(cell) for cell in cells]


def _cautions(fit: KeptFit) -> list[str]:
    said = []
    if fit.n_failed:
        said.append(f"{fit.n_failed} readings without a distribution were left out")
    if fit.held_out is None:
        said.append("too few clips to hold any out: how it does on others is not known")
    elif fit.held_out.loss_nats[1] > fit.held_out.loss_nats[0]:
        said.append("on clips held out it does worse than no calibration")
    if fit.at_end:
        said.append("a flat guess suits the votes as well")
    return said
