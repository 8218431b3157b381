"""How things that are shipped were made."""
