"""Given words: each has the label of its first piece, whatever stands between them."""

import numpy as np
import tensorflow as tf

from keras_bert.tasks.tagging.given_words import GivenWords
from tests.tasks.tiny_tags import rows, tagger


def test_labels_are_those_of_the_first_pieces():
    task = tagger(constrained=False)
    given = GivenWords(task._rows(), task._stages.forward, False, 2)
    predicted, wanted, losses = given.predict(rows(["good books food", "bad"]))
    logits = task(task.preprocessor(["good books food"])).numpy()[0]
    numbers = logits[[1, 2, 4]].argmax(-1)  # [CLS] good book ##s food [SEP]
    assert predicted[0] == [task.labels[number] for number in numbers]
    assert wanted == [["B-GOOD", "O", "O"], ["B-BAD"]]
    assert losses.shape == (4,)
    first = tf.nn.log_softmax(logits[1]).numpy()[task.labels.index("B-GOOD")]
    np.testing.assert_allclose(losses[0], -first, atol=1e-5)


def test_words_without_a_piece_are_outside_and_have_no_score():
    task = tagger()
    task.classifier.bias.assign(100.0 * np.eye(5)[task.labels.index("B-BAD")])
    answers = GivenWords(task._rows(), task._stages.forward, True, 8).answer([["\u200b", "good", "\u200b"], ["\u200b"]])
    assert [[(entity["start"], entity["end"], entity["label"]) for entity in text] for text in answers] == [
        [(1, 3, "BAD")],
        [],
    ]
    assert answers[0][0]["score"] > 0.9
