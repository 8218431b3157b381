"""Votes of raters: distributions, the truth they make, and how far they agree."""
