"""Entity markers that a head reads: which they are, and texts without them."""

from collections.abc import Mapping, Sequence
from typing import Any

from absl import logging

from keras_bert.errors import InputError
from keras_bert.text.markers import MARKERS, START_MARKERS
from keras_bert.text.preprocessor import BertPreprocessor


def marker_ids(preprocessor: BertPreprocessor) -> tuple[int, ...]:
    """Returns the ids of the markers that the head reads.

    Raises:
        InputError: The preprocessor does not make tokens of them.
    """
    if not set(START_MARKERS) <= set(preprocessor.markers):
        raise InputError(f"pooling='markers' needs a preprocessor with markers={MARKERS}")
    return tuple(preprocessor.tokenizer.token_to_id(marker) for marker in START_MARKERS)


def warn_of_unmarked(answers: Sequence[Mapping[str, Any]], max_length: int) -> None:
    """Warns of answers to texts without the markers, `marked` of which is False.

    Args:
        answers: Those of a classifier; without `marked` where it reads no markers.
        max_length: Tokens of a text that it reads.
    """
    unmarked = [index for index, answer in enumerate(answers) if not answer.get("marked", True)]
    if unmarked:
        logging.warning(
            "%d of %d texts have no %s in their first %d tokens, the first of them text %d: their answers mean nothing "
            "(marked is false)",
            len(unmarked),
            len(answers),
            " or no ".join(START_MARKERS),
            max_length,
            unmarked[0],
        )
