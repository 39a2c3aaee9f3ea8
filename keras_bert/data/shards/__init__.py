"""Folders of shards: what makes them on many processes, what says which of them count, what reads them."""
