"""Answers as Python has them: strings, and places in characters."""

import re
from collections.abc import Mapping
from typing import Any

from keras_bert.text.character_offsets import characters_of

_HALF_PAIR = re.compile("[\ud800-\udfff]")


def valid_utf8(text: bytes) -> bytes:
    r"""Makes valid UTF-8; of half a surrogate pair, which a Python string can hold, one U+FFFD, so that places stay.

    Args:
        text: UTF-8, as `str.encode("utf-8", "surrogatepass")` gives it; or any bytes, of which what is no UTF-8 becomes
            U+FFFD.

    Example:
        >>> valid_utf8(b"n\xc3\xa9\xff").decode()
        'né�'
    """
    try:
        return _HALF_PAIR.sub("\ufffd", text.decode("utf-8", "surrogatepass")).encode()
    except UnicodeDecodeError:
        return text.decode("utf-8", "replace").encode()


def character_answer(found: Mapping[str, Any], context: bytes, n_best: int = 0) -> dict[str, Any]:
    """Makes the answer to one question of what the graph gives.

    Args:
        found: A row of what `BertQuestionAnswerer.answer_strings` gives, as Python numbers and lists.
        context: The text, valid UTF-8.
        n_best: Of the likeliest spans so many are listed; 0 leaves the list out.

    Returns:
        dict of `answer`, `score`, `start`, `end`, `no_answer_score`; perhaps `n_best`.
    """
    starts, ends = ([found[one], *found[many]] for one, many in (("start", "starts"), ("end", "ends")))
    starts, ends = characters_of(context, starts).tolist(), characters_of(context, ends).tolist()
    text = context.decode()
    spans = [
        {"answer": text[start:end], "score": score, "start": start, "end": end}
        for start, end, score in zip(starts, ends, [found["score"], *found["scores"]], strict=True)
    ]
    answer = {**spans[0], "no_answer_score": found["no_answer_score"]}
    return {**answer, "n_best": spans[1 : 1 + min(n_best, found["count"])]} if n_best else answer
