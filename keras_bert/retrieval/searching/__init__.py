"""How passages are found: by words, by meaning, by both, and put in a better order."""
