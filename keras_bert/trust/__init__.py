"""What a model does and why: explained, attacked, audited."""
