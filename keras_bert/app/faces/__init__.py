"""What a page shows of each task: what it asks for, and how it shows an answer."""
