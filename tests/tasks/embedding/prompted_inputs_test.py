"""Which tokens of a row are those of its prompt."""

from typing import Any

import tensorflow as tf

from keras_bert.tasks.embedding.prompted_inputs import PromptedInputs
from keras_bert.tasks.embedding.prompts import Prompts
from tests.tasks import tiny

PROMPTS = Prompts({"query": "the film is: ", "long": "very good " * 40}, "query", ["query", ""])


def inputs(include_prompt: bool = False, **options: Any) -> PromptedInputs:
    return PromptedInputs(tiny.preprocessor(**options), PROMPTS, include_prompt)


def test_tokens_of_a_prompt_are_counted_with_the_first_special_one():
    made = inputs()
    # [CLS] the film is [UNK]: a colon is no entry of the tiny vocabulary.
    assert [made.tokens_of(prompt) for prompt in ("the film is: ", "", "very good " * 40)] == [5, 0, 23]


def test_the_mask_leaves_out_the_prompt():
    found = inputs()(tf.constant(["good book", ""]), "the film is: ", 5)
    mask = found["pooling_mask"].numpy()
    assert found["padding_mask"].numpy().sum(1).tolist() == [8, 6]
    assert mask.sum(1).tolist() == [3, 1]
    assert (mask[:, :5] == 0).all()
    assert "pooling_mask" not in inputs(include_prompt=True)(tf.constant(["good"]), "the ", 2)


def test_each_text_of_a_row_has_the_mask_of_its_prompt():
    made = inputs()
    padded = made.pad(made.pack_rows([tf.constant(["good", "bad book"]), tf.constant(["book", "film"])]))
    assert padded["pooling_mask"].numpy().sum(2).tolist() == [[2, 3], [3, 3]]
    single = made.pad(made.pack_texts(tf.constant(["good", "bad book"])))
    assert single["pooling_mask"].numpy().sum(1).tolist() == [2, 3]
