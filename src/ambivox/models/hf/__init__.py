"""The engine for models of the `transformers` library."""
