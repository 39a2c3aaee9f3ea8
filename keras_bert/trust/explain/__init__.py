"""Why a model answers as it does: numbers for the words of a text."""
