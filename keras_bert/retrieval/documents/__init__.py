"""Documents out of files: text, title, and where each character stands."""
