"""Figures: what they show as plain data, each drawn twice, as SVG in a page and by matplotlib for papers."""

from ambivox.present.figures.charts import Curves, Figure, Panel, Rows, Shares, Style
from ambivox.present.figures.standard import standard_figures

__all__ = ["Curves", "Figure", "Panel", "Rows", "Shares", "Style", "standard_figures"]
