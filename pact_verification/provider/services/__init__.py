"""Services that a project sends tasks and messages through, one file for each library."""
