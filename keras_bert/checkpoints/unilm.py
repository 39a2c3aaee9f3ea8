"""UniLM's own files: query, key and value in one matrix, and six kinds of segments."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import numpy as np

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.names import SEGMENT_EMBEDDINGS
from keras_bert.checkpoints.weight_files import StoredTensor
from keras_bert.errors import InputError
from keras_bert.layers.ordered_attention_bias import CAUSAL, UNILM_SEGMENTS

_SELF = ".attention.self."
_FUSED = f"{_SELF}qkv_linear.weight"
_BIASES = {f"{_SELF}q_bias": f"{_SELF}query.bias", f"{_SELF}v_bias": f"{_SELF}value.bias"}

# Row by row of UniLM's table, the row of BERT's that it begins as.
_FROM_TWO = (0, 1, 0, 0, 0, 1)
_LEFT_TO_RIGHT, _SOURCE, _TARGET = 2, 4, 5


def separate_projections(stored: Mapping[str, StoredTensor], source: str) -> tuple[dict[str, StoredTensor], list[str]]:
    """Divides `qkv_linear`, `q_bias` and `v_bias` into BERT's six tensors; the bias of keys, which there is none, is 0.

    A bias of keys adds the same to all scores of a query, which the softmax takes out again.

    Args:
        stored: The tensors of a file by their own names.
        source: The file, for messages.

    Returns:
        The tensors by BERT's names, and notes.

    Raises:
        InputError: The file is that of a network with relative positions or cross-attention.

    References:
        github.com/microsoft/unilm, s2s-ft/s2s_ft/convert_state_dict.py, `unilm_to_hf_bert`.
    """
    for sign, what in (
        ("rel_pos_bias", "relative positions (UniLM v2), whose bias in the attention is"),
        (".crossattention.", "cross-attention, whose blocks attend to an encoder of their own and are"),
    ):
        if found := next((name for name in stored if sign in name), None):
            raise InputError(
                f"{source}: {found:.120} belongs to {what} not built here; take UniLM v1 or 1.2, or any BERT"
            )
    made: dict[str, StoredTensor] = {}
    for name, tensor in stored.items():
        if name.endswith(_FUSED):
            for part, kind in enumerate(("query", "key", "value")):
                own = f"{name.removesuffix(_FUSED)}{_SELF}{kind}.weight"
                made[own] = _part(tensor, own, part, source)
        elif bias := next((new for old, new in _BIASES.items() if name.endswith(old)), None):
            stem = name[: name.rindex(_SELF)]
            made[stem + bias] = _flat(tensor, stem + bias, 1.0)
            if bias.endswith("value.bias"):
                key = f"{stem}{_SELF}key.bias"
                made[key] = _flat(tensor, key, 0.0)
        else:
            made[name] = tensor
    count = sum(name.endswith(_FUSED) for name in stored)
    return made, [f"qkv_linear of {count} layers, as UniLM has it, became query, key and value"] if count else []


def for_writing(checkpoint: Checkpoint, mask: str) -> Checkpoint:
    """Gives a model that writes the two segments that it needs out of UniLM's six.

    UniLM tells its masks apart by their segments: 0 and 1 see both sides, 2 is left to right, 3 right to left, 4 and 5
    are source and target. `config.json` may name others as `source_type_id` and `target_type_id`.

    Args:
        checkpoint: An opened checkpoint; it stays as it is.
        mask: `"prefix"`, which takes source and target; or `"causal"`, which takes left to right twice.

    Returns:
        The checkpoint, with two rows in its segment table if it had six, else itself.

    Raises:
        InputError: `config.json` names a segment that the table has not.
    """
    rows = checkpoint.config.type_vocab_size
    if rows != UNILM_SEGMENTS:
        return checkpoint
    kept = [_LEFT_TO_RIGHT] * 2
    if mask != CAUSAL:
        fields = checkpoint.metadata
        kept = [fields.get("source_type_id", _SOURCE), fields.get("target_type_id", _TARGET)]
    if any(row not in range(rows) for row in kept):
        raise InputError(
            f"{checkpoint.source}: config.json names source_type_id={kept[0]!r:.20}, target_type_id={kept[1]!r:.20}; "
            f"the segment table has the rows 0 to {rows - 1}"
        )
    return _with_segments(checkpoint, kept, f"of six segments, {kept[0]} and {kept[1]} became 0 and 1, as UniLM writes")


def with_six_segments(checkpoint: Checkpoint) -> Checkpoint:
    """Gives a BERT the six segments of UniLM, each a copy of the one of its two that stands for the same place.

    Args:
        checkpoint: An opened checkpoint; it stays as it is.

    Returns:
        The checkpoint with six rows in its segment table, itself if it has them.

    Raises:
        InputError: It has neither two segments nor six.

    References:
        github.com/microsoft/unilm, unilm-v1/src/pytorch_pretrained_bert/modeling.py, `from_pretrained`.
    """
    rows = checkpoint.config.type_vocab_size
    if rows == UNILM_SEGMENTS:
        return checkpoint
    if rows != 2:
        raise InputError(
            f"{checkpoint.source}: the objective of UniLM begins at BERT's two kinds of segments or at its own six; "
            f"type_vocab_size is {rows}"
        )
    return _with_segments(checkpoint, _FROM_TWO, "the two segments became six, as UniLM has them")


def _with_segments(checkpoint: Checkpoint, rows: Sequence[int], note: str) -> Checkpoint:
    tensors = dict(checkpoint.tensors)
    if SEGMENT_EMBEDDINGS in tensors:
        tensors[SEGMENT_EMBEDDINGS] = tensors[SEGMENT_EMBEDDINGS][list(rows)]
    config = dataclasses.replace(checkpoint.config, type_vocab_size=len(rows))
    return dataclasses.replace(checkpoint, config=config, tensors=tensors, notes=[*checkpoint.notes, note])


def _part(tensor: StoredTensor, name: str, part: int, source: str) -> StoredTensor:
    rows = tensor.shape[0] // 3 if tensor.shape else 0
    if len(tensor.shape) != 2 or tensor.shape[0] != 3 * rows:
        raise InputError(
            f"{source}: {tensor.name:.120} has the shape {tensor.shape}; expected three matrices, one below the other"
        )
    read = functools.partial(_rows, tensor, slice(part * rows, (part + 1) * rows))
    return StoredTensor(name, tensor.dtype, (rows, tensor.shape[1]), read)


def _rows(tensor: StoredTensor, rows: slice) -> np.ndarray:
    return tensor.read()[rows]


def _flat(tensor: StoredTensor, name: str, factor: float) -> StoredTensor:
    """A bias in one axis, which UniLM keeps as (1, 1, size)."""
    size = int(np.prod(tensor.shape, dtype=np.int64))
    return StoredTensor(name, tensor.dtype, (size,), lambda: tensor.read().reshape(-1) * factor)
