"""BERT's own tokenizer: normalization and WordPiece."""
