"""The settings of the site's build, see `generate.py` for the pages that it is made of."""

import os
import sys
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

from keras_bert.version import __version__  # noqa: E402

project = "keras_bert"
author = "the keras_bert authors"
version = release = __version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
root_doc = "index"
include_patterns = [
    "index.md",
    "README.md",
    "README.zh.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "benchmarks/RESULTS.md",
    "export/README.md",
    "export/browser/README.md",
    "docs/*.md",
    "docs/zh/*.md",
    "notebooks/*.ipynb",
    "programs.md",
    "programs/*.md",
    "reference/*.rst",
]

html_theme = "furo"
html_title = f"keras_bert {release}"
html_show_sourcelink = False
html_copy_source = False

# Anchors as a code host makes them, so that the pages' links hold in both places.
myst_heading_anchors = 6
myst_enable_extensions = ["deflist"]
nb_execution_mode = "off"
# Each page with the nearest heading first is what a code host shows, also where it starts below the first level.
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type"]

default_role = "code"
autosummary_generate = False
autodoc_typehints = "none"
autodoc_inherit_docstrings = False
autodoc_member_order = "bysource"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_custom_sections = [("Call arguments", "params_style")]


def _tables(app: Sphinx, what: str, name: str, value: object, options: object, lines: list[str]) -> None:
    """Makes the Markdown tables of docstrings such of reStructuredText."""
    made: list[str] = []
    for line in lines:
        if not line.startswith("|"):
            made.append(line)
        elif set(line) > set("|-"):
            first, *cells = (cell.strip() for cell in line.strip("|").split(" | "))
            head = [] if made and made[-1].startswith("     - ") else [".. list-table::", "   :header-rows: 1", ""]
            made += [*head, f"   * - {first}", *(f"     - {cell}" for cell in cells)]
    lines[:] = made


def setup(app: Sphinx) -> None:
    """What Sphinx calls."""
    app.connect("autodoc-process-docstring", _tables)
