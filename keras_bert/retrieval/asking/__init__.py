"""What passages answer to a question: read, weighed, put together."""
