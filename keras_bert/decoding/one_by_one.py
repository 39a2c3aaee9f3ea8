"""One token after the other: the likeliest each time, or one drawn at random."""

from typing import Any

import tensorflow as tf

from keras_bert.decoding.constraints import Constraints
from keras_bert.decoding.draw import Draw, uniform_numbers
from keras_bert.decoding.rows import Start, Step, gathered, shapes_of


def greedy(
    step: Step,
    start: Start,
    constraints: Constraints,
    max_new_tokens: int,
    pad: int = 0,
) -> dict[str, Any]:
    """Takes the likeliest token each time.

    Args:
        step: See `Step`.
        start: What it begins with.
        constraints: What a sequence may hold.
        max_new_tokens: Tokens of a sequence at most, the end included.
        pad: The id behind an end.

    Returns:
        `ids` int32 (rows, 1, tokens), the end included; `scores` float32 (rows, 1), the sum of the tokens'
        log-probabilities over their number; `lengths` int32 (rows, 1), tokens without the end.

    Example:
        >>> greedy(step, start, Constraints(end=102), 32)["ids"]  # doctest: +SKIP
    """

    def choose(logits: Any, time: Any) -> Any:
        del time
        return tf.argmax(logits, axis=-1, output_type=tf.int32)

    return _one_by_one(step, start, constraints, max_new_tokens, pad, choose, 1)


def sample(
    step: Step,
    start: Start,
    constraints: Constraints,
    max_new_tokens: int,
    seeds: Any,
    samples: int = 1,
    temperature: Any = 1.0,
    top_k: Any = 0,
    top_p: Any = 1.0,
    pad: int = 0,
) -> dict[str, Any]:
    """Draws each token by its probability.

    A row's numbers follow from its own seed, so that the rows beside it change nothing.

    Args:
        step: See `Step`.
        start: What it begins with.
        constraints: What a sequence may hold.
        max_new_tokens: Tokens of a sequence at most, the end included.
        seeds: int32 (rows,), or (rows, 2).
        samples: Sequences a row.
        temperature: The logits are divided by it; this and the next two may be tensors (rows,), too.
        top_k: Draw among so many of the likeliest tokens; 0: among all.
        top_p: Draw among the likeliest tokens whose probabilities add up to this (Holtzman et al. 2019,
            arXiv:1904.09751, section 3.1), the one that reaches it included.
        pad: The id behind an end.

    Returns:
        As for `greedy`, with `samples` sequences a row; scores are of the model's own probabilities.

    Raises:
        ValueError: A temperature that is not positive, a `top_p` outside of (0, 1], a negative `top_k`.
        tf.errors.InvalidArgumentError: The same of tensors.
    """
    uniform = uniform_numbers(seeds, samples, max_new_tokens)
    draw = Draw(temperature, top_k, top_p)
    return _one_by_one(
        step, start, constraints, max_new_tokens, pad, lambda logits, time: draw(logits, uniform[:, :, time]), samples
    )


def _one_by_one(
    step: Step,
    start: Start,
    constraints: Constraints,
    max_new_tokens: int,
    pad: int,
    choose: Any,
    beams: int,
) -> dict[str, Any]:
    logits, source, state, growing = start
    rows = tf.shape(logits)[0]
    rows_of_beams = tf.zeros([rows, beams], tf.int32)

    def take(ids: Any, done: Any, score: Any, logits: Any) -> tuple[Any, ...]:
        logits = tf.cast(logits, tf.float32)
        chosen = tf.where(done, pad, choose(constraints.apply(logits, ids), tf.shape(ids)[2]))
        known = tf.gather(logits, chosen, batch_dims=2) - tf.reduce_logsumexp(logits, axis=-1)
        score = tf.where(done, score, score + known)
        return tf.concat([ids, chosen[..., None]], axis=2), done | (chosen == constraints.end), score

    def advance(ids: Any, done: Any, score: Any, state: Any) -> tuple[Any, ...]:
        logits, state = step(ids[:, :, -1], tf.shape(ids)[2] - 1, source, state)
        return *take(ids, done, score, logits), state

    none = tf.zeros([rows, beams, 0], tf.int32)
    begun = take(none, tf.zeros([rows, beams], tf.bool), tf.zeros([rows, beams]), tf.repeat(logits[:, None], beams, 1))
    state = gathered(state, rows_of_beams, batch_dims=1)
    loose = tf.TensorShape([None, beams])
    ids, _, score, _ = tf.while_loop(
        lambda ids, done, *_: tf.logical_not(tf.reduce_all(done)),
        advance,
        (*begun, state),
        shape_invariants=(tf.TensorShape([None, beams, None]), loose, loose, shapes_of(state, growing, beams)),
        maximum_iterations=max_new_tokens - 1,
    )
    ended = tf.cast(ids == constraints.end, tf.int32)
    # An end is counted once, and nothing behind it.
    open_ = tf.cumsum(ended, axis=2) == 0
    lengths = tf.reduce_sum(tf.cast(open_, tf.int32), axis=2)
    tokens = lengths + tf.reduce_max(ended, axis=2)
    return {"ids": ids, "scores": score / tf.cast(tokens, tf.float32), "lengths": lengths}
