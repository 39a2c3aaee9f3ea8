"""Tasks with one output a text: classes, numbers, choices."""
