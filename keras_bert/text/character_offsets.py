"""Places in UTF-8 bytes, as the graph counts them, and in characters, as Python does."""

from typing import Any

import numpy as np


def characters_of(text: bytes, places: Any) -> np.ndarray:
    """Turns byte offsets of a UTF-8 text into character offsets.

    Args:
        text: UTF-8; halves of surrogate pairs may be in it (`str.encode("utf-8", "surrogatepass")`).
        places: int (places,), from 0 to the length of the text; one inside a character counts as the end of it.

    Returns:
        int64 (places,), code points before each place.

    Example:
        >>> characters_of("né un".encode(), [0, 3, 4]).tolist()
        [0, 2, 3]
    """
    before = np.concatenate([[0], np.cumsum(_begins(text))])
    return before[np.asarray(places, np.int64)]


def bytes_of(text: bytes, places: Any) -> np.ndarray:
    """Turns character offsets of a text into offsets of its UTF-8 bytes; the inverse of `characters_of`.

    Args:
        text: UTF-8.
        places: int (places,), from 0 to the number of characters.

    Returns:
        int64 (places,).

    Raises:
        IndexError: A place behind the end of the text.

    Example:
        >>> bytes_of("né un".encode(), [0, 2, 3]).tolist()
        [0, 3, 4]
    """
    begins = np.concatenate([np.flatnonzero(_begins(text)), [len(text)]])
    return begins[np.asarray(places, np.int64)]


def _begins(text: bytes) -> np.ndarray:
    """Says of each byte whether a character begins there: bool (bytes,)."""
    return (np.frombuffer(text, np.uint8) & 0xC0) != 0x80
