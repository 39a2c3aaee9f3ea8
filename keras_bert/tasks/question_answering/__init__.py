"""Answers that stand in a text."""
