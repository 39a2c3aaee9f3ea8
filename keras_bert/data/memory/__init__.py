"""Rows that are in memory already: lists, arrays, tables and data sets of any layout, as rows that tasks take."""
