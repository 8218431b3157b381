"""How things look in a terminal: one file for each thing shown, imported by the command that shows it."""
