"""Answers out of documents: what to read, where it is found, and what it says."""

from keras_bert.retrieval.documents.document import Document
from keras_bert.retrieval.documents.read_documents import NotRead, read_documents
from keras_bert.retrieval.index import Index
from keras_bert.retrieval.negatives import mine_negatives, search_index, search_texts
from keras_bert.retrieval.passages.passage import Found, Passage

__all__ = [
    "Document",
    "Found",
    "Index",
    "NotRead",
    "Passage",
    "mine_negatives",
    "read_documents",
    "search_index",
    "search_texts",
]
