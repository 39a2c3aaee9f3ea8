"""Which tokens pre-training hides."""
