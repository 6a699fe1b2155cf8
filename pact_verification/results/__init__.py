"""Verification results: the report and its values, diffs, and masking of secrets."""
