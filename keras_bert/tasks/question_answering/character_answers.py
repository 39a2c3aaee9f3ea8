"""Answers as Python has them: strings, and places in characters."""

import re
from collections.abc import Mapping
from typing import Any

from keras_bert.text.character_offsets import characters_of

_HALF_PAIR = re.compile("[\ud800-\udfff]")


def valid_utf8(text: bytes) -> bytes:
    r"""Makes valid UTF-8: one U+FFFD of half a surrogate pair, which a Python string can hold, so that places stay.

    Args:
        text: UTF-8, as `str.encode("utf-8", "surrogatepass")` gives it.

    Example:
        >>> valid_utf8("n\ud83d".encode("utf-8", "surrogatepass")).decode()
        'n�'
    """
    return _HALF_PAIR.sub("\ufffd", text.decode("utf-8", "surrogatepass")).encode()


def character_answer(found: Mapping[str, Any], context: str | bytes, n_best: int = 0) -> dict[str, Any]:
    """Makes the answer to one question of what the graph gives.

    Args:
        found: A row of what `BertQuestionAnswerer.answer_strings` gives, as Python numbers and lists.
        context: The text as it was given. Of a string the graph had `valid_utf8`, which has as many characters.
        n_best: Of the likeliest spans so many are listed; 0 leaves the list out.

    Returns:
        dict of `answer`, `score`, `start`, `end`, `no_answer_score`; perhaps `n_best`. Places are characters, or bytes
        in a text that is given so.
    """
    starts, ends = ([found[one], *found[many]] for one, many in (("start", "starts"), ("end", "ends")))
    if isinstance(context, str):
        data = valid_utf8(context.encode("utf-8", "surrogatepass"))
        starts, ends = characters_of(data, starts).tolist(), characters_of(data, ends).tolist()
        parts = [data.decode()[start:end] for start, end in zip(starts, ends, strict=True)]
    else:
        parts = [context[start:end].decode("utf-8", "replace") for start, end in zip(starts, ends, strict=True)]
    spans = [
        {"answer": part, "score": score, "start": start, "end": end}
        for part, start, end, score in zip(parts, starts, ends, [found["score"], *found["scores"]], strict=True)
    ]
    answer = {**spans[0], "no_answer_score": found["no_answer_score"]}
    return {**answer, "n_best": spans[1 : 1 + min(n_best, found["count"])]} if n_best else answer
