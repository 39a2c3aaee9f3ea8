"""Attacks on classifiers: small changes of a text after which the answer is another one."""
