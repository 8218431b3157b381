"""How the site is built: ``make docs`` writes it into ``build/docs``, and every warning is an error."""

import sys
from pathlib import Path

import ambivox

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "ambivox"
author = "ambivox maintainers"
copyright = "ambivox maintainers, Apache-2.0"  # noqa: A001 (Sphinx wants this name)
release = ambivox.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "mathml", "generated"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
html_math_renderer = "mathml"
html_theme = "furo"
html_title = "ambivox"
exclude_patterns = ["_ext", "README.md"]

default_role = "code"  # docstrings name things in single backticks
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_use_rtype = False
