"""Masked words, and whether one text follows another."""
