# SPDX-License-Identifier: Apache-2.0
"""Settings of Sphinx, which ``python scripts/docs.py`` runs.

The source folder is the checkout and not ``docs/``, so the README is a page too. Every link between it and ``docs/`` is
checked, and also works where the Markdown is read as it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import airflow_provider_videos

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "airflow-provider-videos"
version = release = airflow_provider_videos.__version__
language = "en"

root_doc = "docs/README"
include_patterns = ["docs/**.md", "*.md", "benchmarks/README.md"]
# Folders that need not be walked through.
exclude_patterns = [".*", "AGENTS.md", "build", "dist", "tests"]
extensions = ["myst_parser", "sphinx.ext.autodoc"]
# Headings down to this level get the anchors that GitHub gives them.
myst_heading_anchors = 3

html_theme = "furo"
html_title = project
html_show_copyright = False
# The start page is not at the top, where a browser looks for it.
html_extra_path = ["site"]

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_default_options = {"members": True, "show-inheritance": True}


def add_navigation(app: Sphinx, docname: str, source: list[str]) -> None:
    """Make the sidebar of the start page's lists, which so need no directive that GitHub would show as it is."""
    if docname != root_doc:
        return
    for section in source[0].split("\n## ")[1:]:
        caption, _, body = section.partition("\n")
        pages = re.findall(r"^- \[([^]]+)\]\(([^)#:]+)\.md\)", body, re.MULTILINE)
        entries = (f"{title} <{page}>" for title, page in pages)
        source[0] += "\n".join(["", "```{toctree}", ":hidden:", f":caption: {caption}", "", *entries, "```", ""])


def setup(app: Sphinx) -> None:
    """Tell Sphinx of this file's own function."""
    app.connect("source-read", add_navigation)
