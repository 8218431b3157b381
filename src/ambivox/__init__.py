"""What emotions a voice carries when people themselves disagree about it."""

__version__ = "0.1.0"
