"""Explanations by gradients: integrated gradients, and gradient times input."""

import numpy as np

from keras_bert.trust.explain.attribution import Attribution, by_word, completeness_gap, sides_of
from keras_bert.trust.explain.reading import Reading
from keras_bert.trust.explain.scorer import Scorer

LARGEST_GAP = 0.01
"""A larger gap doubles the steps."""

MOST_STEPS = 3200


def integrated_gradients(scorer: Scorer, reading: Reading, baseline: str, steps: int) -> Attribution:
    """Explains a text by integrated gradients.

    The value of a token is (x - b) · ∫ ∇f(b + α (x - b)) dα over its vector, from the baseline b to the text x, by
    Gauss and Legendre's rule. The values add up to f(x) - f(b); while they miss it by more than `LARGEST_GAP`, the
    steps are doubled. Special tokens, positions and segments are the same in both, so that they have nothing.

    Of two texts that are compared each goes its way while the other one stays, and counts a half.

    Args:
        scorer: That of the task.
        reading: The text.
        baseline: One of `BASELINES`.
        steps: To begin with.

    Returns:
        Values, scores, gap, and the steps that were needed in the end.

    References:
        Sundararajan et al. 2017, arXiv:1703.01365, equation 1 and section 5 (the sum as a check).
    """
    text, base = scorer.vectors(reading.inputs), scorer.baseline_vectors(reading, baseline)
    while True:
        found = _integrated(scorer, reading, text, base, steps)
        if found.gap is None or found.gap <= LARGEST_GAP or 2 * steps > MOST_STEPS:
            return found
        steps *= 2


def _integrated(scorer: Scorer, reading: Reading, text: np.ndarray, base: np.ndarray, steps: int) -> Attribution:
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    # The ends of the way are asked in the same batch.
    at, counts = np.array([0.0, *(nodes + 1) / 2, 1.0]), np.array([0.0, *weights / 2, 0.0])
    parts = []
    for moves in sides_of(reading):
        start = np.where(moves[:, None, None], base, text)
        parts.append(scorer.integral(reading, text, start, at, counts))
    values, rest = by_word(reading, np.mean([sums for sums, _ in parts], axis=0))
    baseline_score, score = (float(np.mean([line[end] for _, line in parts])) for end in (0, -1))
    gap = completeness_gap(values.sum() + rest, score, baseline_score)
    return Attribution(values, rest, score, baseline_score, gap, steps)


def gradient_x_input(scorer: Scorer, reading: Reading) -> Attribution:
    """Explains a text by the gradient at the text alone: for each token the product of its vector and the gradient.

    To first order it is what the vector adds; the values add up to nothing in particular. One pass.

    Args:
        scorer: That of the task.
        reading: The text.

    Returns:
        Values and score.
    """
    text = scorer.vectors(reading.inputs)
    sums, values = scorer.integral(reading, text, np.zeros_like(text), [1.0], [1.0])
    found, rest = by_word(reading, sums)
    return Attribution(found, rest, float(values[0]))
