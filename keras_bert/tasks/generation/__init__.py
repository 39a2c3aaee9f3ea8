"""Text out of text, and text that goes on."""
