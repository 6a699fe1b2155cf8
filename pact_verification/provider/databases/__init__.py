"""The databases of a run: made, kept, copied, guarded and dropped."""
