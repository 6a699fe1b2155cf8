"""What became of each interaction: the report, its diffs, and secrets masked."""
