"""Everything that databases hold, raw: taken, kept in a file, and restored without models, signals or triggers."""

from pact_verification.provider.snapshots.restoring import DatabaseContents, count_rows, keep_databases, restore_left

__all__ = ["DatabaseContents", "count_rows", "keep_databases", "restore_left"]
