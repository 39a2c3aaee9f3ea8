"""Relations between marked entities: what the classifier reads, learns, refuses, keeps and exports."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.tasks import BertClassifier, open_task
from keras_bert.text.markers import MARKERS
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from keras_bert.training import adamw
from tests.forked_process import ask_in_a_bare_process
from tests.tasks import tiny

MARKED = [
    "<e1>film</e1> was <e2>good</e2>",
    "the <e2>food</e2> is <e1>cold</e1>",
    "not a <e1>good</e1> <e2>book</e2>",
    "very <e2>warm</e2> and <e1>fine</e1>",
]
RELATIONS = ["Is(e1,e2)", "Is(e2,e1)", "Other"]


def relation_classifier(max_length: int = 24, **options: Any) -> BertClassifier:
    tokenizer = BertTokenizer([*tiny.VOCABULARY, *MARKERS])
    return tiny.classifier(
        RELATIONS,
        pooling="markers",
        preprocessor=BertPreprocessor(tokenizer, max_length=max_length, markers=MARKERS),
        config=tiny.config(vocab_size=tokenizer.vocabulary_size, **options),
    )


def test_a_relation_is_read_at_its_two_markers():
    model = relation_classifier()
    inputs = model.preprocessor(MARKED)
    hidden = model.encoder(inputs)["sequence_output"].numpy()
    tokens = [[model.tokenizer.id_to_token(int(index)) for index in row] for row in inputs["token_ids"]]
    states = [
        np.concatenate([states[row.index("<e1>")], states[row.index("<e2>")]])
        for states, row in zip(hidden, tokens, strict=True)
    ]
    expected = np.stack(states) @ model.classifier.kernel.numpy() + model.classifier.bias.numpy()
    np.testing.assert_allclose(model(inputs), expected, atol=1e-5)
    # A text without markers is answered too, from [CLS] in their place.
    assert model.answer(["film was good"])[0]["label"] in RELATIONS


def test_relations_are_learned_by_heart_and_scored_with_their_directions(tmp_path: Path):
    model = relation_classifier(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, num_hidden_layers=1)
    labels = ["Is(e1,e2)", "Is(e2,e1)", "Other", "Is(e2,e1)"]
    rows = tiny.dataset(labels, texts=MARKED)
    model.compile(adamw(1e-2, steps=40))
    model.fit(model.batches(rows, batch_size=4).cache().repeat(40), verbose=0)
    assert model.evaluate_rows(rows)["relation_f1"] == 1.0
    turned = tiny.dataset(["Is(e2,e1)", "Is(e2,e1)", "Other", "Is(e2,e1)"], texts=MARKED)
    # Three there, three proposed, two with the right direction.
    assert model.evaluate_rows(turned)["relation_f1"] == pytest.approx(2 / 3)
    answers = model.answer(MARKED)
    model.save(tmp_path / "model.keras")
    model.save_preset(tmp_path / "model")
    for again in (keras.saving.load_model(tmp_path / "model.keras"), open_task(tmp_path / "model")):
        assert (again.pooling, again.preprocessor.markers) == ("markers", MARKERS)
        assert [row["label"] for row in again.answer(MARKED)] == [row["label"] for row in answers] == labels
        np.testing.assert_allclose(
            [row["score"] for row in again.answer(MARKED)], [row["score"] for row in answers], atol=1e-6
        )


def test_a_checkpoint_gets_the_markers(tmp_path: Path):
    """Their rows begin as the mean of the pieces that they were cut into, here all unknown; the others stay."""
    tiny.classifier().save_preset(tmp_path / "model")
    model = BertClassifier.from_preset(tmp_path / "model", RELATIONS, pooling="markers")
    assert model.tokenizer.get_vocabulary() == [*tiny.VOCABULARY, *MARKERS]
    table = model.encoder.embeddings.word_embeddings.numpy()
    before = BertClassifier.from_preset(tmp_path / "model").encoder.embeddings.word_embeddings.numpy()
    np.testing.assert_array_equal(table[:-4], before)
    assert np.isfinite(table).all()
    assert len({row.tobytes() for row in table[-4:]}) == 4, "markers that begin alike could not be told apart"


@pytest.mark.parametrize(
    "text", ["film was good", "<e1>film</e1> was good", f"<e1>film</e1> {'very ' * 30}<e2>good</e2>"]
)
def test_a_labelled_text_without_its_markers_is_an_error(text: str):
    model = relation_classifier()
    rows = tiny.dataset(["Other", "Other"], texts=[MARKED[0], text])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"(?s)no <e1> or no <e2> in, or cut off from:.*film"):
        list(model.batches(rows))


def test_markers_need_a_preprocessor_that_knows_them():
    with pytest.raises(InputError, match="pooling='markers' needs a preprocessor with markers="):
        tiny.classifier(pooling="markers")


def test_an_export_reads_markers_in_strings(tmp_path: Path):
    model = relation_classifier()
    model.export(tmp_path / "model" / "1")
    asked = {tmp_path / "model" / "1": {"text": [text.encode() for text in [*MARKED, "no markers", ""]]}}
    outputs = ask_in_a_bare_process(asked, tmp_path / "results.json")[str(tmp_path / "model" / "1")]["outputs"]
    answers = model.answer([*MARKED, "no markers", ""])
    assert [answer["marked"] for answer in answers] == [True] * len(MARKED) + [False, False]
    assert outputs["marked"] == [answer["marked"] for answer in answers]
    assert outputs["label"] == [answer["label"] for answer in answers]
    np.testing.assert_allclose(outputs["score"], [answer["score"] for answer in answers], atol=1e-5)
