"""One file for each way to show a Report: render(report) -> text."""
