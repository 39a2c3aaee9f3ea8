"""Answers out of documents: what to read, where it is found, and what it says."""
