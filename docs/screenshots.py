"""Make the pictures of README and docs/howto/failures.md again: `make screenshots`.

Copies of the example provider get faults, their contracts are verified, and the reports are photographed. No picture
shows the time, or a value that a run makes up. So the same tree makes the same pictures.
"""

import re
import shutil
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from tests.broken_example import BREAKS, copy_example, edit, last_screen, verify

HERE = Path(__file__).resolve().parent
COLUMNS, LINES = 125, 44

VARYING = (
    (r"\d\d\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC", "2025-01-01 12:00:00 UTC"),
    (r"(?<![\d.])\d+(\.\d+)? ms\b", "5 ms"),
    (r"\bin \d+\.\d s( \(\d+\.\d s for the test databases\))?", "in 1.0 s"),
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "6b1d2f04-93b7-4c11-8a5e-0d9c7e3f2a18"),
)
"""What differs from run to run, with what the pictures show: times, and ids that the example makes up."""

SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {terminal_width} {terminal_height}">
<style>
.{unique_id}-matrix {{ font: {char_height}px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect width="100%" height="100%"/></clipPath>{lines}</defs>
<rect width="100%" height="100%" rx="8" fill="#0c0c0c"/>
<g transform="translate(9, 9)">{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""
"""Rich's picture of a terminal without its frame, and without its font, which is at another server."""


def main() -> None:
    (HERE / "failures").mkdir(exist_ok=True)
    for name, each in BREAKS.items():
        with TemporaryDirectory() as folder:
            copy_example(Path(folder), each)
            screen = last_screen(red(Path(folder), "--force-color"))
            (HERE / "failures" / f"{name}.svg").write_text(as_picture(screen))
    with TemporaryDirectory() as folder:
        provider = Path(folder)
        copy_example(provider, BREAKS["renamed-field"], BREAKS["view-raises"], BREAKS["state-raises"])
        pending = provider / "pacts" / "pactflow-example-consumer-python-v4-pactflow-example-provider-python.json"
        edit(pending, ('"pending": false', '"pending": true'))
        output = red(provider, "--html", "report.html", "--force-color")
        (HERE / "console.svg").write_text(as_picture("\n".join(beginning_and_end(output))))
        report = provider / "report.html"
        report.write_text(steady(report.read_text()))
        photograph(report)


def red(provider: Path, *arguments: str) -> str:
    """Verify a broken example, and return what the console shows."""
    ran = verify(provider, *arguments)
    if ran.returncode != 1:
        sys.exit(ran.stdout + ran.stderr)
    return steady(ran.stdout)


def steady(text: str) -> str:
    """Return a text without what differs from run to run."""
    for pattern, shown in VARYING:
        text = re.sub(pattern, shown, text)
    return text


def beginning_and_end(output: str) -> Iterator[str]:
    """Yield the lines of a console's output that fit the picture: the first ones, and the last screen."""
    lines = output.strip("\n").split("\n")
    end = last_screen(output).strip("\n").split("\n")
    kept = LINES - len(end) - 2
    yield from lines[:kept]
    yield "  …"
    yield ""
    yield from end


def as_picture(output: str) -> str:
    """Return a console's output as an SVG."""
    console = Console(file=StringIO(), record=True, width=COLUMNS)
    console.print(Text.from_ansi(output.strip("\n")), soft_wrap=False)
    console.print()  # the picture's lower edge would cut the last line
    drawn = console.export_svg(theme=MONOKAI, code_format=SVG, unique_id="console")
    return "".join(f"{line.rstrip()}\n" for line in drawn.splitlines() if line.strip())


def photograph(report: Path) -> None:
    """Photograph the page, on a desk and on a phone."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 760, "height": 800})
        page.goto(report.as_uri())
        page.screenshot(path=HERE / "report.png")
        phone = browser.new_page(viewport={"width": 390, "height": 800}, color_scheme="dark")
        phone.goto(report.as_uri())
        phone.get_by_role("radio", name=re.compile("state error")).check(force=True)
        phone.evaluate("scrollTo(0, document.querySelector('form').offsetTop)")
        phone.screenshot(path=HERE / "report-phone.png")
        browser.close()


if __name__ == "__main__":
    main()
