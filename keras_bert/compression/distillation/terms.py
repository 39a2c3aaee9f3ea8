"""What a student is compared with its teacher by: the terms of the loss, a value for each row.

B rows, T tokens of a row, C classes, D numbers of a vector, H heads. All are computed in float32 and are 0 where
student and teacher agree.
"""

from typing import Any

from keras import ops

from keras_bert.layers.wide import wide

_IMPOSSIBLE = -1e9


def divergence(student: Any, teacher: Any, temperature: float = 1.0) -> Any:
    """Gives T² · KL(softmax(teacher / T) ‖ softmax(student / T)) over the last axis.

    The gradient of a softened cross-entropy falls with 1 / T²; by the factor the share of the true labels in a loss
    means the same at every temperature. The divergence is the cross-entropy without the teacher's own entropy, which is
    constant.

    Args:
        student: float (..., C), logits.
        teacher: float (..., C), logits.
        temperature: T.

    Returns:
        float32 (...).

    Example:
        >>> float(divergence(ops.array([[1.0, 2.0]]), ops.array([[4.0, 5.0]]))[0])
        0.0

    References:
        Hinton et al. 2015, arXiv:1503.02531, section 2.
    """
    given, wanted = (ops.log_softmax(wide(logits) / temperature) for logits in (student, teacher))
    return temperature**2 * ops.sum(ops.exp(wanted) * (wanted - given), axis=-1)


def divergence_of_marks(student: Any, teacher: Any, temperature: float = 1.0) -> Any:
    """As `divergence`, for classes of which a row may have several: each is a choice of yes or no; their mean.

    Args:
        student: float (B, C), logits of a sigmoid each.
        teacher: float (B, C).
        temperature: T.

    Returns:
        float32 (B,).
    """
    yes_or_no = [ops.stack([wide(logits), ops.zeros_like(wide(logits))], axis=-1) for logits in (student, teacher)]
    return ops.mean(divergence(yes_or_no[0], yes_or_no[1], temperature), axis=-1)


def squared_distance(student: Any, teacher: Any) -> Any:
    """Gives ‖student - teacher‖² over the last axis: D times the mean squared error, so that it keeps its size.

    Args:
        student: float (..., D).
        teacher: float (..., D).

    Returns:
        float32 (...).

    Example:
        >>> float(squared_distance(ops.array([1.0, 2.0]), ops.array([0.0, 4.0])))
        5.0
    """
    return ops.sum(ops.square(wide(student) - wide(teacher)), axis=-1)


def relation_divergence(student: tuple[Any, Any], teacher: tuple[Any, Any], padding_mask: Any, heads: int) -> Any:
    """Gives how far the relations among a student's tokens are from those among its teacher's.

    A relation of two kinds of vectors X and Y, each cut into H heads of d numbers, is softmax(X Yᵀ / √d), for each head
    and token a distribution over the tokens of its text. Compared are KL(teacher ‖ student), averaged over heads and
    tokens. Vectors of teacher and student may be of different widths: what is compared has the sizes H, T, T.

    Query and key, with the model's own heads, give its attention; value and value the value relation of MiniLM; query
    and query, key and key, value and value those of MiniLMv2.

    Args:
        student: X and Y, float (B, T, D).
        teacher: X and Y, float (B, T, any D).
        padding_mask: int (B, T), 0 = padding; several numbers in a row tell packed examples apart.
        heads: H.

    Returns:
        float32 (B,).

    References:
        Wang et al. 2020, arXiv:2002.10957, equations 5 to 8; Wang et al. 2020, arXiv:2012.15828, equations 4 to 6.
    """
    related = _related(padding_mask)[:, None]
    given, wanted = (
        ops.log_softmax(ops.where(related, relation_scores(*pair, heads), _IMPOSSIBLE)) for pair in (student, teacher)
    )
    apart = ops.sum(ops.where(related, ops.exp(wanted) * (wanted - given), 0.0), axis=-1)  # (B, H, T)
    return token_mean(ops.mean(apart, axis=1), padding_mask)


def score_distance(student: tuple[Any, Any], teacher: tuple[Any, Any], padding_mask: Any, heads: int) -> Any:
    """Gives the mean squared difference of attention scores before the softmax, over heads and pairs of tokens.

    Args:
        student: Query and key, float (B, T, D).
        teacher: Query and key, float (B, T, any D).
        padding_mask: int (B, T), 0 = padding.
        heads: H, of both.

    Returns:
        float32 (B,).

    References:
        Jiao et al. 2019, arXiv:1909.10351, equation 7.
    """
    related = _related(padding_mask)
    given, wanted = (relation_scores(*pair, heads) for pair in (student, teacher))
    apart = ops.where(related, ops.mean(ops.square(wanted - given), axis=1), 0.0)
    pairs = ops.sum(ops.cast(related, "float32"), axis=(1, 2))
    return ops.sum(apart, axis=(1, 2)) / ops.maximum(pairs, 1.0)


def hidden_distance(student: Any, teacher: Any, padding_mask: Any) -> Any:
    """Gives the mean squared difference of hidden states, over their numbers and the tokens of a row.

    Args:
        student: float (B, T, D), projected to the teacher's width where it has another.
        teacher: float (B, T, D).
        padding_mask: int (B, T), 0 = padding.

    Returns:
        float32 (B,).

    References:
        Jiao et al. 2019, arXiv:1909.10351, equations 8 and 9.
    """
    return token_mean(ops.mean(ops.square(wide(student) - wide(teacher)), axis=-1), padding_mask)


def relation_scores(first: Any, second: Any, heads: int) -> Any:
    """Gives X Yᵀ / √d for each head: float32 (B, H, T, T) of float (B, T, D)."""
    size = first.shape[-1] // heads
    shape = (*ops.shape(first)[:2], heads, size)
    first, second = (ops.transpose(ops.reshape(wide(part), shape), (0, 2, 1, 3)) for part in (first, second))
    return ops.matmul(first, ops.transpose(second, (0, 1, 3, 2))) * size**-0.5


def token_mean(values: Any, padding_mask: Any) -> Any:
    """Gives the mean over the tokens of a row, padding left out: float32 (B,) of float32 (B, T)."""
    is_token = ops.cast(ops.not_equal(padding_mask, 0), "float32")
    return ops.sum(values * is_token, axis=-1) / ops.maximum(ops.sum(is_token, axis=-1), 1.0)


def _related(padding_mask: Any) -> Any:
    """Says which tokens are of one text: bool (B, T, T)."""
    same = ops.equal(padding_mask[:, :, None], padding_mask[:, None, :])
    return ops.logical_and(same, ops.not_equal(padding_mask, 0)[:, None, :])
