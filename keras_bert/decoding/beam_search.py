"""Beam search: the likeliest sequences, several candidates of a row kept side by side."""

from typing import Any

import tensorflow as tf

from keras_bert.decoding.constraints import NEVER, Constraints
from keras_bert.decoding.rows import Start, Step, gathered, shapes_of
from keras_bert.decoding.top_k import top_k

POWER, GNMT = "power", "gnmt"
"""Length penalties: n^alpha, as in transformers; ((5 + n) / 6)^alpha, Wu et al. 2016, arXiv:1609.08144, section 7."""


def beam_search(
    step: Step,
    start: Start,
    constraints: Constraints,
    max_new_tokens: int,
    num_beams: int,
    length_penalty: float = 1.0,
    penalty: str = POWER,
    early_stopping: bool | str = False,
    pad: int = 0,
) -> dict[str, Any]:
    """Finds likely sequences as transformers' `generate` does.

    Each time the 2 K likeliest of all continuations are looked at. Those that end, or are as long as may be, are
    hypotheses if they are among the first K; the first K of the others live on. A hypothesis of n tokens, the end
    included, has the score log p / n^alpha.

    Rows that are done leave the loop when a quarter of the rows are, so that the others go on alone.

    Args:
        step: See `Step`.
        start: What it begins with.
        constraints: What a sequence may hold.
        max_new_tokens: Tokens of a sequence at most, the end included.
        num_beams: K.
        length_penalty: alpha; above 0 for longer sequences.
        penalty: `"power"` or `"gnmt"`.
        early_stopping: When a row is done. True: when it has K hypotheses. `"never"`: when none of its beams can come
            to a better score than the worst of K hypotheses, whatever follows, for log p only falls. False: when none
            could if it ended with its next token, as transformers guesses by default.
        pad: The id behind an end.

    Returns:
        `ids` int32 (rows, K, tokens), the best hypothesis first, its end included; `scores` float32 (rows, K), `NEVER`
        where a row has fewer; `lengths` int32 (rows, K), tokens without the end.

    Raises:
        ValueError: An unknown `penalty` or `early_stopping`, no beam, no token.

    Example:
        >>> beam_search(step, start, Constraints(end=102), 32, num_beams=5)  # doctest: +SKIP
    """
    if penalty not in (POWER, GNMT):
        raise ValueError(f"penalty must be {POWER!r} or {GNMT!r}, received: {penalty!r}")
    if early_stopping not in (True, False, "never"):
        raise ValueError(f"early_stopping must be True, False or 'never', received: {early_stopping!r}")
    if num_beams < 1 or max_new_tokens < 1:
        raise ValueError(f"num_beams and max_new_tokens must be from 1, received: {num_beams}, {max_new_tokens}")
    search = _Search(step, constraints, max_new_tokens, num_beams, length_penalty, penalty, early_stopping, pad)
    return search.run(start)


class _Search:
    """The loop; what it carries is a dict of tensors whose first axis is the rows that are not done."""

    def __init__(
        self,
        step: Step,
        constraints: Constraints,
        max_new_tokens: int,
        beams: int,
        alpha: float,
        penalty: str,
        early_stopping: bool | str,
        pad: int,
    ) -> None:
        self.step = step
        self.constraints = constraints
        self.longest = max_new_tokens
        self.beams = beams
        self.alpha = alpha
        self.penalty = penalty
        self.early_stopping = early_stopping
        self.pad = pad

    def run(self, start: Start) -> dict[str, Any]:
        logits, source, state, growing = start
        rows = {"source": source, **self.constraints.per_row()}
        count = tf.shape(logits)[0]
        beams = self.beams
        carried = {
            "row": tf.range(count),
            "open": tf.ones([count], tf.bool),
            "rows": rows,
            "state": state,
            "ids": tf.zeros([count, 1, 0], tf.int32),
            "log_p": tf.zeros([count, 1]),
            "found": tf.zeros([count, beams, 0], tf.int32),
            "scores": tf.fill([count, beams], NEVER),
        }
        results = {
            "ids": tf.fill([count, beams, self.longest], self.pad),
            "scores": tf.fill([count, beams], NEVER),
        }
        carried = self._take(carried, logits[:, None], state)
        loose = tf.TensorShape([None, beams])
        longer = tf.TensorShape([None, beams, None])
        shapes = {
            "row": tf.TensorShape([None]),
            "open": tf.TensorShape([None]),
            "rows": tf.nest.map_structure(lambda tensor: tf.TensorShape([None, *tensor.shape[1:]]), rows),
            "state": shapes_of(carried["state"], growing, beams),
            "ids": longer,
            "log_p": loose,
            "found": longer,
            "scores": loose,
        }
        carried, results = tf.while_loop(
            lambda carried, results: tf.reduce_any(carried["open"]),
            lambda carried, results: self._put_away(self._advance(carried), results),
            (carried, results),
            shape_invariants=(
                shapes,
                {"ids": tf.TensorShape([None, beams, self.longest]), "scores": loose},
            ),
            maximum_iterations=self.longest - 1,
        )
        results = self._noted(carried, results)
        ended = tf.cast(results["ids"] == self.constraints.end, tf.int32)
        is_there = results["scores"] > NEVER / 2
        # What hypotheses hold: up to their end, or all tokens of one that was cut off at the limit.
        before = tf.cast(tf.cumsum(ended, axis=2) == 0, tf.int32)
        lengths = tf.where(is_there, tf.reduce_sum(before, axis=2), 0)
        used = tf.reduce_max(tf.where(is_there, lengths + tf.reduce_max(ended, axis=2), 1))
        return {"ids": results["ids"][:, :, :used], "scores": results["scores"], "lengths": lengths}

    def _advance(self, carried: dict[str, Any]) -> dict[str, Any]:
        """Looks one token further."""
        ids, source = carried["ids"], carried["rows"]["source"]
        return self._take(carried, *self.step(ids[:, :, -1], tf.shape(ids)[2] - 1, source, carried["state"]))

    def _take(self, carried: dict[str, Any], logits: Any, state: Any) -> dict[str, Any]:
        """Chooses among the continuations."""
        ids, beams = carried["ids"], self.beams
        time = tf.shape(ids)[2]
        logits = tf.cast(logits, tf.float32)
        now = logits.shape[1]  # 1 for the first token, K after it
        whole = tf.reduce_logsumexp(logits, axis=-1, keepdims=True)
        given = {name: value for name, value in carried["rows"].items() if name != "source"}
        rules = self.constraints._replace(**given)
        log_p, token, parent = self._candidates(rules.apply(logits - whole, ids), carried["log_p"], now)

        length = tf.cast(time + 1, tf.float32)
        is_last = time + 1 >= self.longest
        possible = log_p > NEVER / 2
        ends = (token == self.constraints.end) | is_last
        sequences = tf.concat([gathered(ids, parent, 1), token[..., None]], axis=2)

        # Hypotheses: of the first K candidates those that end.
        full = tf.reduce_all(carried["scores"] > NEVER / 2, axis=1)
        takes = carried["open"] & tf.logical_not(full & (self.early_stopping is True))
        counts = ends & possible & takes[:, None] & (tf.range(2 * beams) < beams)
        new = tf.where(counts, log_p / self._penalty_of(length), NEVER)
        found = tf.pad(carried["found"], [[0, 0], [0, 0], [0, 1]], constant_values=self.pad)
        scores, best = tf.math.top_k(tf.concat([carried["scores"], new], axis=1), beams)
        found = gathered(tf.concat([found, sequences], axis=1), best, 1)

        # Of those that do not end the first K live on.
        log_p, alive = tf.math.top_k(tf.where(ends | ~possible, 2 * NEVER, log_p), beams)
        parent = gathered(parent, alive, 1)
        full = tf.reduce_all(scores > NEVER / 2, axis=1)
        reach = tf.constant(float(self.longest)) if self.early_stopping == "never" and self.alpha > 0 else length
        could_be_better = log_p[:, 0] / self._penalty_of(reach) > scores[:, -1]
        open_ = carried["open"] & (log_p[:, 0] > NEVER / 2) & (tf.logical_not(full) | could_be_better)
        if self.early_stopping is True:
            open_ &= tf.logical_not(full)
        return {
            "row": carried["row"],
            "open": open_ & tf.logical_not(is_last),
            "rows": carried["rows"],
            "state": gathered(state, parent, 1),
            "ids": gathered(sequences, alive, 1),
            "log_p": log_p,
            "found": found,
            "scores": scores,
        }

    def _candidates(self, log_p: Any, so_far: Any, beams: int) -> tuple[Any, Any, Any]:
        """Returns the 2 K best continuations: log-probabilities, tokens and parents, each (rows, 2 K)."""
        entries, wanted = tf.shape(log_p)[2], 2 * self.beams
        static = log_p.shape[2]
        each = wanted if static is None else min(wanted, static)
        flat = tf.reshape(log_p, (-1, entries if static is None else static))
        values, tokens = top_k(flat, each)
        values = tf.reshape(tf.reshape(values, (-1, beams, each)) + so_far[:, :, None], (-1, beams * each))
        tokens = tf.reshape(tokens, (-1, beams * each))
        # A small vocabulary has fewer continuations.
        missing = max(wanted - beams * each, 0)
        values = tf.pad(values, [[0, 0], [0, missing]], constant_values=2 * NEVER)
        tokens = tf.pad(tokens, [[0, 0], [0, missing]], constant_values=self.pad)
        values, place = tf.math.top_k(values, wanted)
        return values, tf.gather(tokens, place, batch_dims=1), tf.minimum(place // each, beams - 1)

    def _penalty_of(self, length: Any) -> Any:
        return length**self.alpha if self.penalty == POWER else ((5.0 + length) / 6.0) ** self.alpha

    def _put_away(self, carried: dict[str, Any], results: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Notes what rows have that are done, and goes on without them, once they are a quarter of the rows."""
        rows = tf.shape(carried["row"])[0]
        going = tf.reshape(tf.where(carried["open"]), (-1,))

        def leave() -> tuple[dict[str, Any], dict[str, Any]]:
            return gathered(carried, going), self._noted(carried, results)

        pays = 4 * tf.shape(going)[0] <= 3 * rows
        return tf.cond(pays, leave, lambda: (carried, results))

    def _noted(self, carried: dict[str, Any], results: dict[str, Any]) -> dict[str, Any]:
        at = carried["row"][:, None]
        rest = self.longest - tf.shape(carried["found"])[2]
        ids = tf.pad(carried["found"], [[0, 0], [0, 0], [0, rest]], constant_values=self.pad)
        return {
            "ids": tf.ensure_shape(
                tf.tensor_scatter_nd_update(results["ids"], at, ids), [None, self.beams, self.longest]
            ),
            "scores": tf.tensor_scatter_nd_update(results["scores"], at, carried["scores"]),
        }
