"""Passages: pieces of documents, by sentences, that a model reads whole."""
