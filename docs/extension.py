"""What these pages need of Sphinx: parts that are made from the code, and links to files outside of docs/."""

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from generated import command_page, schema_page
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"(?<=\]\()(?P<path>\.\.?/[^)#\s]+)(?P<anchor>#[^)\s]*)?(?=\))")

logger = logging.getLogger(__name__)


class Generated(SphinxDirective):
    """A part of a page that a function of this module writes."""

    required_arguments = 1
    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Parse the Markdown of the function that the directive names."""
        kind, *arguments = self.arguments
        lines = {"command": command_page, "schema": schema_page}[kind](*arguments)
        source = f"<{' '.join(self.arguments)}>"
        return self.parse_text_to_nodes(StringList("\n".join(lines).split("\n"), source), allow_section_headings=True)


def link_outside(app: Sphinx, docname: str, source: list[str]) -> None:
    """Let links to files of the repository that are no page lead to the repository's web site.

    The sources keep relative links, which work in an editor and on GitHub.
    """
    folder = Path(app.srcdir, docname).parent

    def replaced(link: re.Match[str]) -> str:
        target = Path(folder, link["path"]).resolve()
        if target.is_relative_to(app.srcdir) or not target.is_relative_to(ROOT):
            return link[0]
        if not target.exists():
            logger.warning("%s links to %s, which does not exist", docname, link["path"], location=docname)
        kind = "tree" if target.is_dir() else "blob"
        config = app.config
        path = target.relative_to(ROOT).as_posix()
        return f"{config.repository_url}/{kind}/{config.repository_version}/{path}{link['anchor'] or ''}"

    source[0] = LINK.sub(replaced, source[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_config_value("repository_url", "", "env")
    app.add_config_value("repository_version", "main", "env")
    app.add_directive("generated", Generated)
    app.connect("source-read", link_outside)
    return {"parallel_read_safe": True}
