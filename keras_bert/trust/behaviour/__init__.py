"""Tests of what a model does: minimum functionality, invariance, direction (CheckList, arXiv:2005.04118)."""
