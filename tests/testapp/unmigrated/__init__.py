"""An app without migrations, which is installed in some tests."""
