"""Prompts as versioned data files (``templates/``) and their loader."""

from ambivox.prompts.prompt import (
    PROMPTS,
    AnswerFormat,
    Prompt,
    RenderedPrompt,
    load_prompt,
    option_order,
)

__all__ = ["PROMPTS", "AnswerFormat", "Prompt", "RenderedPrompt", "load_prompt", "option_order"]
