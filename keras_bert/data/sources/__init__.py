"""Rows of files and data sets: one reader for each format, one front."""
