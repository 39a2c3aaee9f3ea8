"""Labels for words, and entities out of them."""
