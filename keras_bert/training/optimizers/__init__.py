"""AdamW, LAMB and their learning-rate schedule."""
