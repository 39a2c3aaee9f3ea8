"""Tiny question answerers with random weights, and questions for them."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_bert.data.squad_file import NO_ANSWER
from keras_bert.encoder import BertEncoder
from keras_bert.tasks.question_answering.answerer import BertQuestionAnswerer
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from tests.layer_test_case import randomize
from tests.tasks import tiny

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = ["who", "what", "where", "when", "was", "is", "in", "the", "of", "lived", "born", "king", "city", "old", "new"]
NAMES = ["anna", "bela", "carl", "dora", "graz", "linz", "rome", "oslo", "1066", "1999", "##ian", "vien", "##na"]
LETTERS = [*"abcdefghijklmnopqrstuvwxyz0123456789.,!?()'-", *(f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")]
VOCABULARY = [*SPECIAL, *WORDS, *NAMES, *LETTERS, *"在北京住的人是谁", "שלום"]

# question, context, answer; "" where there is none
QUESTIONS = [
    ("who lived in graz", "anna lived in graz. bela lived in linz.", "anna"),
    ("who lived in linz", "anna lived in graz. bela lived in linz.", "bela"),
    ("when was carl born", "carl was born in 1066 in old vienna, dora in 1999.", "1066"),
    ("when was dora born", "carl was born in 1066 in old vienna, dora in 1999.", "1999"),
    ("where was carl born", "carl was born in 1066 in old vienna, dora in 1999.", "old vienna"),
    ("who was king of oslo", "anna lived in graz. bela lived in linz.", ""),
]


def answerer(
    seed: int = 0,
    dtype: Any = None,
    max_length: int = 24,
    tokenizer: Any = None,
    config: dict[str, Any] | None = None,
    **options: Any,
) -> BertQuestionAnswerer:
    """Makes an answerer with weights from `seed` that are large enough for the answers to differ."""
    keras.utils.set_random_seed(seed)
    tokenizer = tokenizer or BertTokenizer(VOCABULARY)
    architecture = tiny.config(**{"vocab_size": tokenizer.vocabulary_size, "num_hidden_layers": 1, **(config or {})})
    preprocessor = BertPreprocessor(tokenizer, max_length=max_length)
    encoder = BertEncoder(architecture, use_pooler=False, dtype=dtype)
    model = BertQuestionAnswerer(encoder, preprocessor, **options)
    randomize(model, seed, 0.3)
    return model


def rows(questions: Sequence[tuple[str, str, str]] = QUESTIONS) -> tf.data.Dataset:
    """Rows as `read_squad` makes them, of answers that stand in their context once."""
    found = []
    for number, (question, context, answer) in enumerate(questions):
        start = len(context[: context.index(answer)].encode()) if answer else NO_ANSWER
        end = start + len(answer.encode()) if answer else NO_ANSWER
        found.append((str(number), question, context, [answer] if answer else [], start, end))
    names = ("id", "question", "context", "answers", "answer_start", "answer_end")
    columns: dict[str, Any] = dict(zip(names, map(list, zip(*found, strict=True)), strict=True))
    columns["answers"] = tf.ragged.constant(columns["answers"], tf.string, ragged_rank=1)
    columns |= {name: tf.constant(columns[name], tf.int32) for name in names[-2:]}
    return tf.data.Dataset.from_tensor_slices(columns).map(
        lambda row: row | {"answers": tf.convert_to_tensor(row["answers"])}
    )
