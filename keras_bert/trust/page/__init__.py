"""Explanations to look at: a page of HTML that needs nothing else, and pictures."""

from keras_bert.trust.page.pictures import draw_attention, draw_explained, draw_words
from keras_bert.trust.page.write_page import write_page

__all__ = ["draw_attention", "draw_explained", "draw_words", "write_page"]
