"""The truth: the papers' formulas in numpy, on small numbers."""

import numpy as np
import pytest

from keras_bert.compression.distillation.terms import (
    divergence,
    divergence_of_marks,
    hidden_distance,
    relation_divergence,
    score_distance,
    squared_distance,
)

MASK = np.array([[1, 1, 1, 0], [1, 1, 0, 0]], "int32")


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def kl(wanted: np.ndarray, given: np.ndarray) -> np.ndarray:
    return (wanted * np.log(wanted / given)).sum(-1)


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_softened_probabilities(temperature: float):
    student, teacher = random(5, 3), random(5, 3, seed=1)
    expected = temperature**2 * kl(softmax(teacher / temperature), softmax(student / temperature))
    np.testing.assert_allclose(divergence(student, teacher, temperature), expected, rtol=1e-4, atol=1e-6)


def test_places_that_no_answer_has_count_nothing():
    student, teacher = (np.array([[1.0, -1e9, part]], "float32") for part in (0.0, 1.0))
    expected = kl(softmax(teacher[:, ::2]), softmax(student[:, ::2]))
    np.testing.assert_allclose(divergence(student, teacher), expected, rtol=1e-5)


def test_several_classes_a_row():
    student, teacher = random(5, 3), random(5, 3, seed=1)
    wanted, given = (1 / (1 + np.exp(-logits / 2)) for logits in (teacher, student))
    both = kl(np.stack([wanted, 1 - wanted], -1), np.stack([given, 1 - given], -1))
    np.testing.assert_allclose(divergence_of_marks(student, teacher, 2.0), 4 * both.mean(-1), rtol=1e-4, atol=1e-6)


def test_vectors():
    student, teacher = random(5, 3), random(5, 3, seed=1)
    np.testing.assert_allclose(squared_distance(student, teacher), ((student - teacher) ** 2).sum(-1), rtol=1e-5)


def relations(first: np.ndarray, second: np.ndarray, tokens: int, heads: int) -> list[np.ndarray]:
    """Of one text, head by head: (tokens, tokens) scores."""
    size = first.shape[-1] // heads
    parts = [slice(head * size, (head + 1) * size) for head in range(heads)]
    return [first[:tokens, part] @ second[:tokens, part].T / np.sqrt(size) for part in parts]


def test_relations_of_any_widths():
    """MiniLMv2, equations 4 to 6: the mean over heads and tokens, without padding."""
    student, teacher = (random(2, 4, 8), random(2, 4, 8, seed=1)), (random(2, 4, 12, seed=2), random(2, 4, 12, seed=3))
    expected = []
    for row, tokens in enumerate((3, 2)):
        ours, theirs = (relations(first[row], second[row], tokens, 4) for first, second in (student, teacher))
        expected.append(np.mean([kl(softmax(b), softmax(a)) for a, b in zip(ours, theirs, strict=True)]))
    np.testing.assert_allclose(relation_divergence(student, teacher, MASK, 4), expected, rtol=1e-4)


def test_packed_examples_have_relations_of_their_own():
    """A row of two examples has the mean over the tokens of both."""
    student, teacher = (random(1, 4, 8), random(1, 4, 8, seed=1)), (random(1, 4, 8, seed=2), random(1, 4, 8, seed=3))
    packed = relation_divergence(student, teacher, np.array([[1, 1, 2, 2]], "int32"), 2)
    halves = [
        relation_divergence(
            *(tuple(part[:, place : place + 2] for part in pair) for pair in (student, teacher)),
            np.ones((1, 2), "int32"),
            2,
        )
        for place in (0, 2)
    ]
    np.testing.assert_allclose(packed, np.mean(halves, axis=0), rtol=1e-4)


def test_attention_scores():
    student, teacher = (random(2, 4, 8), random(2, 4, 8, seed=1)), (random(2, 4, 12, seed=2), random(2, 4, 12, seed=3))
    expected = []
    for row, tokens in enumerate((3, 2)):
        ours, theirs = (relations(first[row], second[row], tokens, 2) for first, second in (student, teacher))
        expected.append(np.mean((np.array(ours) - np.array(theirs)) ** 2))
    np.testing.assert_allclose(score_distance(student, teacher, MASK, 2), expected, rtol=1e-4)


def test_hidden_states():
    student, teacher = random(2, 4, 8), random(2, 4, 8, seed=1)
    expected = [np.mean((student[row, :tokens] - teacher[row, :tokens]) ** 2) for row, tokens in enumerate((3, 2))]
    np.testing.assert_allclose(hidden_distance(student, teacher, MASK), expected, rtol=1e-4)
