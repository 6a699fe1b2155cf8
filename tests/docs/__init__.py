"""README and docs/: their snippets run, what they name exists, and their links lead somewhere."""
