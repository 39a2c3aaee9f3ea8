"""The folder of an index: passages, words and vectors, written whole and read where they lie."""
