"""``python -m ambivox`` is the command ``ambivox``."""

from ambivox.cli import main

if __name__ == "__main__":
    main()
