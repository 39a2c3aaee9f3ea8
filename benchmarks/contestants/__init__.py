"""The programs that are timed against each other, one for each side."""
