"""The model's inputs: tokens packed between special ones, cut to what the model takes, padded."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Packed(NamedTuple):
    """One row: int32 (tokens,) each."""

    ids: np.ndarray
    segments: np.ndarray


def pack(cls: int, sep: int, first: np.ndarray, second: np.ndarray | None = None) -> Packed:
    """Makes `[CLS] a [SEP]`, or `[CLS] a [SEP] b [SEP]`, and cuts nothing.

    Args:
        cls: Id of `[CLS]`.
        sep: Id of `[SEP]`.
        first: int32 (tokens,).
        second: int32 (tokens,), or None.
    """
    more = () if second is None else (second, [sep])
    ids = np.concatenate([[cls], first, [sep], *more]).astype(np.int32)
    segments = (np.arange(len(ids)) >= len(first) + 2).astype(np.int32)
    return Packed(ids, segments if second is not None else np.zeros_like(ids))


def shorten(first: int, second: int | None, max_length: int, truncation: str) -> tuple[int, int]:
    """Says how many tokens of one or two texts fit: `BertPreprocessor`'s rules.

    Args:
        first: Tokens of the first text.
        second: Those of the second; None for single texts.
        max_length: Of a row, special tokens included.
        truncation: `"longest_first"`, `"only_first"` or `"only_second"`.
    """
    if second is None:
        return min(first, max_length - 2), 0
    room = max_length - 3
    if truncation == "only_first":
        second = min(second, room)
        return min(first, room - second), second
    if truncation == "only_second":
        first = min(first, room)
        return first, min(second, room - first)
    return min(first, max(room - second, room - room // 2)), min(second, max(room - first, room // 2))


def pad(rows: Sequence[Packed], pad_id: int) -> dict[str, np.ndarray]:
    """Pads rows to the width of the longest.

    Returns:
        `input_ids`, `attention_mask`, `token_type_ids`, int32 (rows, tokens).
    """
    shape = (len(rows), max(len(row.ids) for row in rows))
    ids, segments, mask = np.full(shape, pad_id, np.int32), np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    for index, row in enumerate(rows):
        ids[index, : len(row.ids)] = row.ids
        segments[index, : len(row.ids)] = row.segments
        mask[index, : len(row.ids)] = 1
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": segments}
