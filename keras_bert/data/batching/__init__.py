"""From rows to batches: rows of like length together, few shapes for compilers, several examples a row."""
