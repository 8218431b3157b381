"""A small plug-in for ambivox: copy this folder, and change one file at a time."""
