"""On 500 real rows a SavedModel, asked where nothing of keras_bert is imported, answers what the model answers.

Weights are random: what is compared is the way from strings to answers, not what they are worth. Question answering has
its own such test, on SQuAD.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_bert.data import read, read_tags
from keras_bert.data.tags.tag_schemes import entity_labels
from keras_bert.tasks import BertClassifier, BertEmbedder, BertMultipleChoice
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from tests.forked_process import ask_in_a_bare_process
from tests.tasks import tiny, tiny_sequences, tiny_tags

pytestmark = pytest.mark.slow

ROWS = 500


@pytest.fixture
def network(shared_data: Path) -> dict[str, Any]:
    """The parts of a small model with BERT's uncased vocabulary."""
    tokenizer = BertTokenizer(shared_data / "vocab" / "bert-base-uncased.txt")
    config = tiny.config(vocab_size=tokenizer.vocabulary_size, max_position_embeddings=64)
    return {"config": config, "preprocessor": BertPreprocessor(tokenizer, max_length=64)}


def ask(model: Any, texts: list[bytes], folder: Path, **more: Any) -> dict[str, Any]:
    model.export(folder / "model")
    asked = {folder / "model": {"text": texts, **more}}
    return ask_in_a_bare_process(asked, folder / "results.json")[str(folder / "model")]["outputs"]


def test_entities_of_conll_sentences(shared_data: Path, network: dict[str, Any], tmp_path: Path):
    rows = read_tags(shared_data / "token_classification" / "conll2003" / "test.txt").take(ROWS)
    texts = [row["text"] for row in rows.as_numpy_iterator()]
    model = tiny_tags.tagger(entity_labels(["LOC", "MISC", "ORG", "PER"]), **network)
    outputs, answers = ask(model, texts, tmp_path), model.answer([text.decode() for text in texts])
    labels = np.reshape(outputs["label"], (len(texts), -1)).tolist()
    found = [
        [(label, start, end) for label, start, end in zip(*row, strict=True) if label]
        for row in zip(labels, outputs["start"], outputs["end"], strict=True)
    ]
    # Places in bytes there, in characters here.
    expected = [
        [
            (entity["label"], *(len(text.decode()[: entity[name]].encode()) for name in ("start", "end")))
            for entity in entities
        ]
        for text, entities in zip(texts, answers, strict=True)
    ]
    assert sum(map(len, expected)) > ROWS
    # Other neighbours in a batch, other rounding: two labels that are as good may change places.
    assert sum(a == b for a, b in zip(found, expected, strict=True)) >= ROWS - 2


def test_relations_of_semeval_sentences(shared_data: Path, network: dict[str, Any], tmp_path: Path):
    path = shared_data / "relation_extraction" / "semeval2010_task8" / "test.tsv"
    rows = read(path, text="sentence", label="relation").take(ROWS)
    texts, relations = zip(*((row["text"], row["label"].decode()) for row in rows.as_numpy_iterator()), strict=True)
    model = tiny.make(BertClassifier, sorted(set(relations)), pooling="mean", **network)
    outputs, answers = ask(model, list(texts), tmp_path), model.answer(texts)
    np.testing.assert_allclose(outputs["score"], [answer["score"] for answer in answers], atol=1e-5)
    same = [label == answer["label"] for label, answer in zip(outputs["label"], answers, strict=True)]
    assert sum(same) >= ROWS - 2


def test_vectors_of_sts_sentences(shared_data: Path, network: dict[str, Any], tmp_path: Path):
    rows = read(shared_data / "sentence_pair" / "stsb" / "dev.tsv", text="sentence1").take(ROWS)
    texts = [row["text"] for row in rows.as_numpy_iterator()]
    model = tiny.make(BertEmbedder, pooling="mean", **network)
    np.testing.assert_allclose(ask(model, texts, tmp_path)["embedding"], model.embed(texts), rtol=0, atol=1e-5)


def test_choices_of_sts_sentences(shared_data: Path, network: dict[str, Any], tmp_path: Path):
    path = shared_data / "sentence_pair" / "stsb" / "dev.tsv"
    rows = list(read(path, text="sentence1", text_pair="sentence2").take(ROWS).as_numpy_iterator())
    texts = [row["text"] for row in rows]
    choices = [[rows[(index + step) % ROWS]["text_pair"] for step in range(4)] for index in range(ROWS)]
    model = tiny.make(BertMultipleChoice, **network)
    outputs = ask(model, texts, tmp_path, choices=choices)
    answers = model.answer(list(zip(texts, choices, strict=True)))
    np.testing.assert_allclose(outputs["scores"], [answer["scores"] for answer in answers], rtol=0, atol=1e-5)
    assert (
        sum(choice == answer["choice"] for choice, answer in zip(outputs["choice"], answers, strict=True)) >= ROWS - 2
    )
    told = [choices[row][choice].decode() for row, choice in enumerate(outputs["choice"])]
    assert outputs["text"] == told


@pytest.mark.parametrize("search", [{"num_beams": 1}, {"num_beams": 4, "num_return_sequences": 2}], ids=str)
def test_texts_written_for_captions(shared_data: Path, network: dict[str, Any], tmp_path: Path, search: dict):
    """All in one request there; here those of like length together."""
    texts = (shared_data / "translation" / "multi30k" / "val.en").read_bytes().splitlines()[:ROWS]
    network["preprocessor"] = BertPreprocessor(network["preprocessor"].tokenizer, max_length=40)
    model = tiny_sequences.writer(generation={**search, "max_new_tokens": 10}, max_target_length=10, **network)
    outputs, answers = ask(model, texts, tmp_path), model.answer([text.decode() for text in texts])
    written = [answer["text"] for answer in answers]
    assert len(set(written)) > ROWS // 2
    # Of two words that are as likely the rounding decides.
    same = [text == expected for text, expected in zip(outputs["text"], written, strict=True)]
    assert sum(same) >= ROWS - 5
    scores = [answer["score"] for answer in answers]
    np.testing.assert_allclose(np.array(outputs["score"])[same], np.array(scores)[same], atol=1e-3)
