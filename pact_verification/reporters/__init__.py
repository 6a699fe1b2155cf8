"""Shows a Report or an Impact: a module for each output format, and the registry of those written to files."""

from dataclasses import dataclass
from importlib import import_module

from pact_verification.results.impact import Impact
from pact_verification.results.printable import printable_values
from pact_verification.results.report import Report

Reported = Report | Impact
"""What a reporter shows."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format that a report or an impact is written in.

    Attributes:
        name: the option `--NAME FILE` writes it.
        description: what the file is, for the option's help.
        module: has `render(report) -> str`. It is imported when the report is rendered.
        for_programs: whether the module gets the report's exact texts, and escapes them itself. A format for people
            gets printable texts.
    """

    name: str
    description: str
    module: str
    for_programs: bool = False

    def render(self, report: Reported) -> str:
        """Return the report in this format."""
        shown = report if self.for_programs else printable_values(report)
        text: str = import_module(self.module).render(shown)
        return text


FORMATS = (
    Format("junit", "JUnit XML, as GitHub, GitLab and Jenkins read it", "pact_verification.reporters.junit"),
    Format(
        "json",
        "JSON for programs; its schema is pact_verification/reporters/report.schema.json",
        "pact_verification.reporters.json",
        for_programs=True,
    ),
    Format("html", "a page, in one file", "pact_verification.reporters.html"),
)
"""The formats that verify_pacts has an option for."""

STEP_SUMMARY = Format("github", "GitHub Actions' step summary", "pact_verification.reporters.github")
"""The format of the file that GitHub Actions names in an environment variable."""

IMPACT_FORMATS = (
    Format(
        "json",
        "JSON for programs; its schema is pact_verification/reporters/impact.schema.json",
        "pact_verification.reporters.impact_json",
        for_programs=True,
    ),
    Format("html", "a page, in one file", "pact_verification.reporters.impact_html"),
)
"""The formats that pact_impact has an option for."""

IMPACT_SUMMARY = Format("github", "GitHub Actions' step summary", "pact_verification.reporters.impact_github")
"""The format of pact_impact in the file that GitHub Actions names."""
