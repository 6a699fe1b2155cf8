"""A provider of one view: what is measured is its verification, not what it does."""
