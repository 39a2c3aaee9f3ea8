"""How an embedder is made: what is possible, and what a checkpoint says of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.kinds import check_kinds
from keras_bert.layers.token_pooling import MODES
from keras_bert.serving.similarity import SIMILARITIES

OBJECTIVES = ("ranking", "cosine")

# Poolings in the words of `keras_bert.json` as earlier versions wrote it.
_EARLIER = {"cls_token": "cls", "mean_tokens": "mean", "max_tokens": "max"}
# Arguments by which a caller takes the place of what the files say.
_IN_PLACE_OF = {"activation_function": "modules"}


def check_embedder(
    encoder: BertEncoder,
    poolings: Sequence[str],
    similarity: str,
    truncate_dim: int | None,
    objective: str,
    scale: float,
    score_range: Sequence[float],
) -> None:
    """Refuses arguments of `BertEmbedder` that make no sense; an `InputError`."""
    for pooling in poolings or ("",):
        if pooling not in MODES:
            raise InputError(f"pooling must be one of {', '.join(MODES)}, or several, received: {pooling!r}")
    if len(set(poolings)) < len(poolings):
        raise InputError(f"each pooling must be another, received: {', '.join(poolings)}")
    if similarity not in SIMILARITIES:
        raise InputError(f"similarity must be one of {', '.join(SIMILARITIES)}, received: {similarity!r}")
    if truncate_dim is not None and truncate_dim < 1:
        raise InputError(f"truncate_dim must be positive, received: {truncate_dim}")
    if objective not in OBJECTIVES:
        raise InputError(f"objective must be one of {', '.join(OBJECTIVES)}, received: {objective!r}")
    if encoder.use_pooler:
        raise InputError("an embedder needs an encoder with use_pooler=False: it pools hidden states")
    if not scale > 0:
        raise InputError(f"scale must be positive, received: {scale}")
    if len(score_range) != 2 or not score_range[0] < score_range[1]:
        raise InputError(f"score_range is the lowest and the highest score, received: {score_range}")


def saved_options(cls: type, checkpoint: Checkpoint, options: Mapping[str, Any]) -> tuple[dict[str, Any], int | None]:
    """Gives the arguments of the constructor: those of the caller, and the checkpoint's for the rest.

    Args:
        cls: The class of the embedder.
        checkpoint: An opened checkpoint.
        options: What the caller gave.

    Returns:
        The arguments, and the longest input in tokens, None where the checkpoint does not say.

    Raises:
        InputError: The checkpoint's vectors are made in a way that is not known here, or a setting is of another kind.
    """
    saved = check_kinds(cls, checkpoint.extra.get("sentence_embedding", {}), checkpoint.source)
    check_kinds(_beside, saved, checkpoint.source)
    for setting, reason in saved.pop("refused", {}).items():
        if _IN_PLACE_OF.get(setting, setting) not in options:
            raise InputError(f"{checkpoint.source}: its vectors are made with {reason}, which is not known here")
    length = checkpoint.extra.get("preprocessor", {}).get("max_length") or saved.get("max_length")
    saved.pop("max_length", None)
    if "pooling" in saved:
        modes = saved["pooling"]
        saved["pooling"] = [_EARLIER.get(mode, mode) for mode in ([modes] if isinstance(modes, str) else modes)]
    prompts = {**(saved.get("prompts") or {}), **options.get("prompts", {})}
    return {**saved, **options, "prompts": prompts}, length


def _beside(max_length: int, refused: Mapping[str, str]) -> None:
    """Takes what is kept beside the arguments of the constructor, for its kinds alone."""
