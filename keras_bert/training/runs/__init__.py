"""What happens around `fit` in a long run: going on, logs, status, watching the loss."""
