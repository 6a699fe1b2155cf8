"""The management commands: each parses options, calls the package, and sets the exit code."""
