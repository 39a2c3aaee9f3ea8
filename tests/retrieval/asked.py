"""An index of texts by words alone, cut as a tiny reader cuts them."""

from collections.abc import Mapping
from pathlib import Path

from keras_bert.retrieval import Index
from keras_bert.tasks import BertQuestionAnswerer


def index_of(texts: Mapping[str, str], reader: BertQuestionAnswerer, folder: Path, max_tokens: int) -> Index:
    """Writes texts into files of `folder`, and indexes them beside it."""
    documents = folder / "documents"
    documents.mkdir()
    for name, text in texts.items():
        (documents / name).write_text(text, encoding="utf-8")
    return Index.build(folder / "index", documents, None, tokenizer=reader.tokenizer, max_tokens=max_tokens, overlap=0)
