"""What every task keeps: strings in, numbers through the model, answers out."""
