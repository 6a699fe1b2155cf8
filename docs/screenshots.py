"""Make the README's pictures again: `make screenshots`.

A copy of the example provider is broken in four ways, its contracts are verified, and the reports are photographed.
"""

import os
import re
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

HERE = Path(__file__).resolve().parent
CONSUMERS = ("--consumer=pactflow-example-consumer", "--consumer=pactflow-example-consumer-python-v4")
PARTS = ("manage.py", "config", "products", "pact_verification", "pacts")
COLUMNS, LINES = 125, 44
PAGE = """<meta charset="utf-8"><style>pre {{ margin: 0; padding: 12px; display: inline-block; font: 13px monospace;
background: {background}; color: {foreground} }}</style><pre>{code}</pre>"""


def edit(file: Path, *replacements: tuple[str, str]) -> None:
    """Replace texts that have to stand in a file once."""
    text = file.read_text()
    for old, new in replacements:
        if text.count(old) != 1:
            sys.exit(f"{old!r} stands {text.count(old)} times in {file}: mend docs/screenshots.py.")
        text = text.replace(old, new)
    file.write_text(text)


def break_it(provider: Path) -> None:
    """A field with another name, an exception, a state that can't be set up, and a failure that is pending."""
    products = provider / "products"
    edit(
        products / "serializers.py",
        (
            "    class Meta:\n        model = Product\n",
            '    title = serializers.CharField(source="name")\n\n    class Meta:\n        model = Product\n',
        ),
        ('("id", "type", "name", "version", "price")', '("id", "type", "title", "version", "price")'),
    )
    edit(products / "pagination.py", ("self.page.paginator.num_pages", "self.page.paginator.pages"))
    edit(
        products / "pact_states.py", ("    Product.objects.filter(id=id).delete()", "    Product.objects.remove(id=id)")
    )
    pending = provider / "pacts" / "pactflow-example-consumer-python-v4-pactflow-example-provider-python.json"
    edit(pending, ('"pending": false', '"pending": true'))


def main() -> None:
    with TemporaryDirectory() as folder:
        provider = Path(folder)
        for part in PARTS:
            source = HERE.parent / part
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, provider / part)
        break_it(provider)
        # The command to run an interaction again names this Python. A project has its own, in its own folder.
        (provider / ".venv").symlink_to(sys.prefix)
        ran = subprocess.run(
            [
                provider / ".venv" / "bin" / "python",
                "manage.py",
                "verify_pacts",
                "--html",
                "report.html",
                "--force-color",
                *CONSUMERS,
            ],
            cwd=provider,
            env={key: value for key, value in os.environ.items() if not key.startswith(("PACT_", "GITHUB_"))},
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode != 1:
            sys.exit(ran.stdout + ran.stderr)
        (provider / "console.html").write_text(as_page(ran.stdout))
        photograph(provider)


def as_page(output: str) -> str:
    """The beginning and the end of a console's output, as a page."""
    lines = output.strip("\n").split("\n")
    kept = lines if len(lines) <= LINES else [*lines[: LINES - 3], "  …", "", lines[-1]]
    console = Console(file=StringIO(), record=True, width=COLUMNS)
    console.print(Text.from_ansi("\n".join(kept)), soft_wrap=False)
    return console.export_html(theme=MONOKAI, inline_styles=True, code_format=PAGE)


def photograph(folder: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1024, "height": 1000})
        page.goto((folder / "console.html").as_uri())
        page.locator("pre").first.screenshot(path=HERE / "console.png")
        page.set_viewport_size({"width": 760, "height": 800})
        page.goto((folder / "report.html").as_uri())
        page.screenshot(path=HERE / "report.png")
        phone = browser.new_page(viewport={"width": 390, "height": 800}, color_scheme="dark")
        phone.goto((folder / "report.html").as_uri())
        phone.get_by_role("radio", name=re.compile("state error")).check(force=True)
        phone.screenshot(path=HERE / "report-phone.png")
        browser.close()


if __name__ == "__main__":
    main()
