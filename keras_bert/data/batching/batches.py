"""Batches of rows of like length, so that little is spent on padding."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from keras_bert.data.batching.batch_size import check_batch_size
from keras_bert.data.batching.row_stream import RowStream
from keras_bert.errors import InputError
from keras_bert.graph import as_written

SHUFFLE_ALL_BELOW = 200_000
WINDOW_BATCHES = 64


def batches(
    rows: tf.data.Dataset | RowStream,
    features: Callable[[dict[str, Any]], Any],
    pad: Callable[[dict[str, Any]], dict[str, tf.Tensor]],
    batch_size: int,
    *,
    tokens_per_batch: int | None = None,
    shuffle: bool = False,
    seed: int = 0,
    window: int | None = None,
    keep_order: bool = False,
    drop_remainder: bool = False,
    begin: int = 0,
) -> tf.data.Dataset:
    """Batches rows of like length.

    A window of rows (64 batches) is tokenized at once, which is the cheap way; its rows are sorted by their number of
    tokens, cut into batches, and each batch is padded by itself. Every row is used once an epoch.

    Args:
        rows: Dicts of tensors, as `keras_bert.data.read` gives them; or a `RowStream` of such.
        features: From a dict of a whole window's rows (`text`: tf.string (rows,), ...) to the model's inputs, a dict of
            ragged or dense tensors with a ragged `token_ids` (rows, (tokens)), alone or as the first of a tuple with
            targets and weights: tensors, or dicts of them, one entry a row.
        pad: From the inputs of one batch to dense tensors.
        batch_size: Rows in a batch. The last of an epoch may have fewer.
        tokens_per_batch: In place of so many rows, as many as fit: rows times the longest of them is at most this, but
            for a row that is longer by itself and stays alone. For evaluation and prediction, where a batch of short
            rows may have more of them; how many batches there are shows only when they are made. `batch_size` is for
            the window alone then.
        shuffle: Another order each epoch, of rows and of batches; the same again for the same seed. Of a data set
            longer than 200,000 rows (or of unknown length) a buffer of that many is shuffled.
        seed: For shuffle.
        window: Rows tokenized and sorted together, rounded up to whole batches.
        keep_order: Rows stay in the order of the file: no sorting, more padding.
        drop_remainder: Leave out rows that do not fill a batch (other rows each epoch under shuffle).
        begin: The first batch to make: those before it are left out, and the rows of windows before its own are passed
            over without being tokenized. The batches are those that all of them have from there on.

    Returns:
        What `features` returns, padded, of known cardinality if `rows` is (and there is no `tokens_per_batch`).

    Example:
        >>> rows = keras_bert.data.read("train.tsv", label="label")  # doctest: +SKIP
        >>> options = {"features": model.features, "pad": model.preprocessor.pad}  # doctest: +SKIP
        >>> train = batches(rows, batch_size=32, shuffle=True, **options)  # doctest: +SKIP
    """
    batch_size = check_batch_size(batch_size)
    if window is not None and window < 1:
        raise InputError(f"window {window}: expected 1 row or more")
    if shuffle and keep_order:
        raise InputError("shuffle and keep_order exclude each other: choose one")
    if tokens_per_batch is not None and (tokens_per_batch < 1 or drop_remainder):
        raise InputError(f"tokens_per_batch {tokens_per_batch}: expected 1 or more, and no drop_remainder with it")
    if begin < 0 or (begin and tokens_per_batch is not None):
        raise InputError(f"begin {begin}: expected 0 or more, and 0 with tokens_per_batch")
    count = int(rows.cardinality())
    window = -(-(window or WINDOW_BATCHES * batch_size) // batch_size) * batch_size

    passed, begin = divmod(begin, window // batch_size)
    if isinstance(rows, tf.data.Dataset):
        rows = (shuffled(rows, seed) if shuffle else rows).skip(passed * window)
    else:
        rows = rows.rows_from(passed * window, seed if shuffle else None)
    windows = rows.ragged_batch(window).map(
        as_written(features), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    # New numbers each epoch, the same in each run.
    seeds = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).batch(2).skip(passed)

    def cut(seed: tf.Tensor, featured: Any) -> tf.data.Dataset:
        lengths = _row_lengths(featured)
        if drop_remainder:
            lengths = lengths[: tf.size(lengths) // batch_size * batch_size]
        order = tf.range(tf.size(lengths)) if keep_order else _by_length(lengths, seed if shuffle else None)
        if tokens_per_batch is None:
            starts = tf.range(0, tf.size(lengths), batch_size)
        else:
            starts = _starts_within(tf.gather(lengths, order), tokens_per_batch)
        bounds = tf.stack([starts, tf.concat([starts[1:], [tf.size(lengths)]], 0)], 1)
        if shuffle:
            bounds = tf.random.experimental.stateless_shuffle(bounds, seed=seed)

        def batch(bound: tf.Tensor) -> Any:
            chosen = order[bound[0] : bound[1]]
            taken = tf.nest.map_structure(lambda tensor: tf.gather(tensor, chosen), featured)
            return (pad(taken[0]), *taken[1:]) if isinstance(taken, tuple) else pad(taken)

        return tf.data.Dataset.from_tensor_slices(bounds).map(as_written(batch))

    result = tf.data.Dataset.zip(seeds, windows).flat_map(as_written(cut))
    if count >= 0 and tokens_per_batch is None:
        full = count // batch_size if drop_remainder else -(-count // batch_size)
        left = max(full - passed * (window // batch_size), 0)
        result = result.apply(tf.data.experimental.assert_cardinality(left))
    elif count == tf.data.INFINITE_CARDINALITY:
        result = result.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))
    return result.skip(begin).prefetch(tf.data.AUTOTUNE)


def shuffled(rows: tf.data.Dataset, seed: int) -> tf.data.Dataset:
    """Shuffles rows, in another order each epoch; of more than 200,000 (or of unknown number) within that many."""
    count = int(rows.cardinality())
    buffer = SHUFFLE_ALL_BELOW if count < 0 else min(max(count, 1), SHUFFLE_ALL_BELOW)
    return rows.shuffle(buffer, seed=seed, reshuffle_each_iteration=True)


def _row_lengths(featured: Any) -> tf.Tensor:
    """Number of tokens of each row of a window: int64 (rows,)."""
    inputs = featured[0] if isinstance(featured, tuple) else featured
    token_ids = inputs.get("token_ids")
    if not isinstance(token_ids, tf.RaggedTensor):
        raise TypeError(f"features must give a ragged token_ids, found {token_ids}")
    return token_ids.row_lengths()


def _by_length(lengths: tf.Tensor, seed: tf.Tensor | None) -> tf.Tensor:
    """Row numbers from the shortest row to the longest; rows of one length in random order if there is a seed."""
    if seed is None:
        return tf.argsort(lengths, stable=True)
    ties = tf.random.stateless_uniform(tf.shape(lengths), seed, maxval=2**31, dtype=tf.int64)
    return tf.argsort(lengths * 2**31 + ties)


def _starts_within(lengths: tf.Tensor, tokens: int) -> tf.Tensor:
    """Where batches begin that take rows while rows times longest is at most `tokens`: int32 (batches,)."""

    def next_row(state: tuple, row: tuple) -> tuple:
        (start, longest), (index, length) = state, row
        longest = tf.maximum(longest, length)
        fits = tf.cast(index - start + 1, tf.int64) * longest <= tokens
        return tf.where(fits, start, index), tf.where(fits, longest, length)

    rows = (tf.range(tf.size(lengths)), lengths)
    starts, _ = tf.scan(next_row, rows, initializer=(tf.constant(0), tf.constant(0, tf.int64)))
    return tf.unique(starts).y


def padding_share(dataset: tf.data.Dataset) -> float:
    """The share of padding among all token positions of a data set of batches, 0 to 1.

    Args:
        dataset: Batches whose inputs hold `padding_mask` (batch, tokens), 0 where there is no token.

    Example:
        >>> import tensorflow as tf
        >>> masks = tf.data.Dataset.from_tensors({"padding_mask": [[1, 1, 1, 0], [1, 1, 0, 0]]})
        >>> padding_share(masks)
        0.375
    """
    tokens = positions = 0
    for element in dataset:
        mask = (element[0] if isinstance(element, tuple) else element)["padding_mask"]
        tokens += int(tf.math.count_nonzero(mask))
        positions += int(tf.size(mask))
    return 1.0 - tokens / positions if positions else 0.0
