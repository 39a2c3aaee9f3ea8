"""Rows with labelled words: CoNLL columns, words with tags, texts with spans."""
