"""A page on which a model can be tried: a face for each task, its examples, and what a Hugging Face Space needs."""

from keras_bert.app.page import make_page, serve_page
from keras_bert.app.space import write_space

__all__ = ["make_page", "serve_page", "write_space"]
