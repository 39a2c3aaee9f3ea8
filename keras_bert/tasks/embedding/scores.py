"""How good vectors are, measured on pairs of texts."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.evaluation.glue import scores
from keras_bert.evaluation.retrieval import retrieval_scores
from keras_bert.serving.similarity import pair_similarity, similarity
from keras_bert.tasks.embedding.belonging import keys_of, partners_of


def correlation_scores(
    firsts: np.ndarray, seconds: np.ndarray, labels: np.ndarray, name: str, targets: np.ndarray | None
) -> dict[str, float]:
    """Scores how well the similarity of two vectors follows a number.

    Args:
        firsts: float (rows, size).
        seconds: float (rows, size), the vectors that these are compared with.
        labels: float (rows,).
        name: The similarity, see `serving.similarity`.
        targets: float (rows,), what the cosines were to be where they were learnt; None where they were not.

    Returns:
        `pearson` and `spearman`; with targets also `mse` of the cosines and `loss`, which is the same.
    """
    found = scores("regression", labels, pair_similarity(name, firsts, seconds))
    correlations = {key: found[key] for key in ("pearson", "spearman")}
    if targets is None:
        return correlations
    error = float(np.mean((pair_similarity("cosine", firsts, seconds) - targets) ** 2))
    return {"loss": error, "mse": error, **correlations}


def read_pairs(rows: tf.data.Dataset) -> tuple[list[bytes], list[bytes], np.ndarray | None]:
    """Reads rows of two texts: the first texts, the second ones, and their labels, float32, where they have any.

    Raises:
        InputError: There are no rows, or they are no pairs.
    """
    if "text_pair" not in rows.element_spec:
        raise InputError("the rows are single texts: name the column of the second, to score an embedder on pairs")
    if not (read := list(rows.as_numpy_iterator())):
        raise InputError("there are no rows to evaluate")
    firsts, seconds = ([row[name] for row in read] for name in ("text", "text_pair"))
    return firsts, seconds, np.array([row["label"] for row in read], "float32") if "label" in read[0] else None


def pair_vectors(
    firsts: Sequence[bytes],
    seconds: Sequence[bytes],
    embed: Callable[..., np.ndarray],
    prompts: Sequence[str | None],
) -> tuple[np.ndarray, np.ndarray]:
    """Embeds the two texts of each row, in one go where they have the same prompt, as some stand on both sides.

    Args:
        firsts: Texts of the rows.
        seconds: Those that belong to them.
        embed: Gives the vectors of texts, float (texts, size), with the argument `prompt`.
        prompts: Names of the prompts of the two.

    Returns:
        float (rows, size), twice.
    """
    if prompts[0] != prompts[1]:
        return embed(firsts, prompt=prompts[0]), embed(seconds, prompt=prompts[1])
    vectors = embed([*firsts, *seconds], prompt=prompts[0])
    return vectors[: len(firsts)], vectors[len(firsts) :]


def search_scores(
    tokenizer: Any,
    firsts: Sequence[bytes],
    seconds: Sequence[bytes],
    queries: np.ndarray,
    documents: np.ndarray,
    name: str,
) -> dict[str, float]:
    """Scores how well each first text finds the texts that it belongs to among all second ones.

    A text that is there several times, in whatever spelling, counts once. It is no neighbour of itself, unless a row
    says that it is.

    Args:
        tokenizer: Says which texts are the same, see `belonging.keys_of`.
        firsts: Of each row.
        seconds: Of each row, the text that belongs to it.
        queries: float (rows, size), the vectors of the first texts.
        documents: float (rows, size), those of the second ones.
        name: The similarity, see `serving.similarity`.

    Returns:
        `recall_at_1`, `recall_at_5`, `recall_at_10`, `mrr`; see `evaluation.retrieval_scores`.
    """
    firsts, seconds = (keys_of(tokenizer, tf.constant(texts)).numpy().tolist() for texts in (firsts, seconds))
    row_of_first = {text: row for row, text in enumerate(firsts)}
    row_of_second = {text: row for row, text in enumerate(seconds)}
    numbers = {text: index for index, text in enumerate(row_of_second)}
    partners = partners_of(firsts, seconds)
    return retrieval_scores(
        queries[[row_of_first[text] for text in partners]],
        documents[list(row_of_second.values())],
        [{numbers[text] for text in texts if text in numbers} for texts in partners.values()],
        passed_over=[{numbers[text]} if text in numbers else set() for text in partners],
        similarity=similarity(name),
    )
