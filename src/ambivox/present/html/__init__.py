"""The report: one HTML file that says what a run found, with its numbers, pictures and doubts."""

from ambivox.present.html.page import write_report

__all__ = ["write_report"]
