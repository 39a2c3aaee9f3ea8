"""Distillation: a small model learns from a large one what that has learned."""
