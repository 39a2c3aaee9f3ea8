"""On 500 real rows of each task an export answers what the model in Python answers, as LiteRT and as ONNX.

Weights are random: what is compared is the way from strings to answers, not what they are worth.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keras_bert.data import read, read_choices, read_squad, read_tags
from keras_bert.data.tags.tag_schemes import entity_labels
from keras_bert.runtime import load
from keras_bert.tasks import BertClassifier, BertEmbedder, BertMultipleChoice, BertRegressor
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from tests.tasks import tiny, tiny_questions, tiny_tags

pytestmark = pytest.mark.slow

ROWS = 500
WORDS = {"en": "bert-base-uncased.txt", "zh": "bert-base-chinese.txt"}


def network(shared_data: Path, language: str = "en") -> dict[str, Any]:
    """The parts of a small model with BERT's vocabulary."""
    tokenizer = BertTokenizer(shared_data / "vocab" / WORDS[language])
    config = tiny.config(vocab_size=tokenizer.vocabulary_size, max_position_embeddings=64, num_hidden_layers=1)
    return {"config": config, "preprocessor": BertPreprocessor(tokenizer, max_length=64)}


def rows_of(dataset: Any, *names: str) -> list[Any]:
    rows = [tuple(row[name].decode() for name in names) for row in dataset.take(ROWS).as_numpy_iterator()]
    return [row[0] for row in rows] if len(names) == 1 else rows


def sentences(data: Path) -> tuple[Any, list[Any]]:
    rows = rows_of(read(data / "text_classification" / "sst2" / "dev.tsv", text="sentence"), "text")
    return tiny.make(BertClassifier, ["no", "yes"], **network(data)), rows


def chinese_reviews(data: Path) -> tuple[Any, list[Any]]:
    rows = rows_of(read(data / "text_classification" / "chnsenticorp" / "dev.tsv", text="text"), "text")
    return tiny.make(BertClassifier, ["no", "yes"], **network(data, "zh")), rows


def pairs(data: Path) -> tuple[Any, list[Any]]:
    path = data / "sentence_pair" / "stsb" / "dev.tsv"
    rows = rows_of(read(path, text="sentence1", text_pair="sentence2"), "text", "text_pair")
    return tiny.make(BertRegressor, text_pair=True, **network(data)), rows


def vectors(data: Path) -> tuple[Any, list[Any]]:
    path = data / "sentence_pair" / "stsb" / "dev.tsv"
    return tiny.make(BertEmbedder, pooling="mean", **network(data)), rows_of(read(path, text="sentence1"), "text")


def tagged(data: Path) -> tuple[Any, list[Any]]:
    rows = rows_of(read_tags(data / "token_classification" / "conll2003" / "test.txt"), "text")
    return tiny_tags.tagger(entity_labels(["LOC", "MISC", "ORG", "PER"]), **network(data)), rows


def tagged_words(data: Path) -> tuple[Any, list[Any]]:
    model, rows = tagged(data)
    return model, [row.split(" ") for row in rows]


def questions(data: Path) -> tuple[Any, list[Any]]:
    parts = network(data)
    tokenizer, config = parts["preprocessor"].tokenizer, {"max_position_embeddings": 64}
    model = tiny_questions.answerer(tokenizer=tokenizer, max_length=64, config=config, no_answer_threshold=0.9)
    return model, rows_of(read_squad(data / "question_answering" / "squad_v2" / "dev.json"), "question", "context")


def choices(data: Path) -> tuple[Any, list[Any]]:
    rows = read_choices(data / "multiple_choice" / "dream" / "dev.jsonl", question="question").take(ROWS)
    asked = [
        (row["text"].decode(), row["question"].decode(), [choice.decode() for choice in row["choices"] if choice])
        for row in rows.as_numpy_iterator()
    ]
    return tiny.make(BertMultipleChoice, question=True, **network(data)), asked


CASES = [sentences, chinese_reviews, pairs, vectors, tagged, tagged_words, questions, choices]


def decided(answer: Any) -> Any:
    """What an answer says, its numbers aside, and these rounded where it says nothing else."""
    if isinstance(answer, list):
        return [(entity["start"], entity["end"], entity["label"], entity["text"]) for entity in answer]
    if "embedding" in answer:
        return [round(number, 3) + 0.0 for number in answer["embedding"]]
    names = ("label", "choice", "answer", "start", "end", "text")
    told = {name: value for name, value in answer.items() if name in names}
    return told or round(answer["score"], 3) + 0.0


@pytest.mark.parametrize("format", ["litert", "onnx"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_answers_are_those_of_python(
    case: Callable[[Path], tuple[Any, list[Any]]], format: str, shared_data: Path, tmp_path: Path
):
    model, rows = case(shared_data)
    assert len(rows) > 400
    model.export(tmp_path / "out", format=format)
    found, expected = load(tmp_path / "out").answer(rows), model.answer(rows)
    same = sum(decided(one) == decided(other) for one, other in zip(found, expected, strict=True))
    # Other sums, other rounding: two answers that are as good may change places.
    assert same >= len(rows) - 3 - (len(rows) // 20 if case in (pairs, vectors) else 0)
