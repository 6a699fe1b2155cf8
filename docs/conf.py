"""Sphinx's configuration: `make docs`, and Read the Docs."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

project = "Pact provider verification for Django"
author = "the authors of django-pact-verification"
copyright = author  # noqa: A001  # Sphinx gives the name
html_title = project
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
language = "en"
smartquotes = False  # they would make a dash of an option's --

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton", "extension"]
exclude_patterns = ["_build"]
highlight_language = "none"  # of a block that names no language
nitpicky = True
# Exceptions that a docstring names. They have no page: a project never catches them.
nitpick_ignore = [("py:exc", name) for name in ("InvalidRegistration", "ProducerError", "StateError")]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True

autodoc_typehints = "none"  # names of arguments are enough: types of decorators have no reader
autodoc_member_order = "bysource"

repository_url = os.environ.get("REPOSITORY_URL", "https://github.com/pactflow/example-provider-python")
"""Where links to files outside of docs/ lead."""
repository_version = os.environ.get("READTHEDOCS_GIT_IDENTIFIER", "main")

html_theme_options = {"source_repository": repository_url, "source_branch": "main", "source_directory": "docs/"}
