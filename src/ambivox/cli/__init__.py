"""The command line: ``ambivox read | run | score | report | check | train`` and the listings."""

from ambivox.cli.app import app, main

__all__ = ["app", "main"]
