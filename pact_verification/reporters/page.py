"""A page in one file without scripts: what the pages of a report and of an impact share. page.html is its template."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.template import Context, Engine, Library
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from pact_verification.reporters.conclusion import Conclusion
from pact_verification.results.report import Report

BREAK_AFTER = re.compile(r"(?<=[/._=?&,@-])(?=[^\W\d])")
"""Where a path, a URL or a name may continue on the next line; not within a number."""

register = Library()


@register.filter
def breakable(text: str) -> SafeString:
    """Return an escaped text whose paths, URLs and names can break after their signs."""
    return mark_safe("<wbr>".join(map(escape, BREAK_AFTER.split(text))))  # noqa: S308  # each piece is escaped


@register.filter
def unbroken(text: str) -> SafeString:
    """Return an escaped command line that breaks at spaces only, and not after the hyphens of an option."""
    words = (f'<span class="word">{escape(word)}</span>' for word in text.split(" "))
    return mark_safe(" ".join(words))  # noqa: S308  # each word is escaped


def page_context(title: str, end: Conclusion, report: Report) -> dict[str, str]:
    """Return what the head of every page shows."""
    return {
        "title": title,
        "conclusion": end.text,
        "mood": end.mood.value,
        "started": report.started.strftime("%Y-%m-%d %H:%M:%S UTC") if report.started else "",
    }


def render_page(template: str, context: Mapping[str, Any]) -> str:
    """Return a page of a template in this folder. Django escapes the values, which are printable."""
    engine = Engine(dirs=[str(Path(__file__).parent)], autoescape=True, builtins=[__name__])
    return str(engine.get_template(template).render(Context(context, use_l10n=False)))
