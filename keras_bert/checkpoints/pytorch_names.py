"""Names of tensors as PyTorch files have them, turned to those that transformers writes today."""

import re
from collections.abc import Sequence

from keras_bert.checkpoints.names import PREFIX
from keras_bert.checkpoints.shapes import shortened
from keras_bert.errors import InputError

_ENCODER_PARTS = ("embeddings.", "encoder.", "pooler.")

# What wraps a module or a part of it: DataParallel and DistributedDataParallel, torch.compile, FSDP, activation
# checkpointing.
_WRAPPERS = ("module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
# The attribute of an own class, of a LightningModule or of sentence-transformers that holds the whole model.
_HOLDERS = ("model", "auto_model", "bert_model")


def canonical_names(names: Sequence[str], source: str) -> tuple[dict[str, str], list[str]]:
    """Finds today's names, with the prefix `bert.`, of the tensors in a PyTorch or safetensors file.

    Args:
        names: The names in the file.
        source: The file, for messages.

    Returns:
        Today's name → the file's own, and a note for each prefix that was taken off.

    Raises:
        InputError: Two names are the same weight.

    Example:
        >>> canonical_names(["module.bert.pooler.dense.bias"], "a.bin")[0]
        {'bert.pooler.dense.bias': 'module.bert.pooler.dense.bias'}
    """
    short = {name: _without_wrappers(name) for name in names}
    holder = _holder(list(short.values()))
    short = {name: today.removeprefix(holder) for name, today in short.items()}
    taken_off: dict[str, int] = {}
    found: dict[str, str] = {}
    for name, today in short.items():
        if today != name:
            what = " and ".join(f"'{part}.'" for part in (*_WRAPPERS, holder[:-1]) if part and f"{part}." in name)
            taken_off[what] = taken_off.get(what, 0) + 1
        today = canonical_name(today)
        if today in found:
            raise InputError(f"{source}: {shortened([name, found[today]])} are the same weight, {shortened([today])}")
        found[today] = name
    return found, [f"{what} was taken off the names of {count} tensors" for what, count in taken_off.items()]


def canonical_name(name: str) -> str:
    """Returns today's name, with the prefix `bert.`, of a tensor without wrappers.

    Example:
        >>> canonical_name("encoder.layer.0.output.LayerNorm.gamma")
        'bert.encoder.layer.0.output.LayerNorm.weight'
    """
    if name.startswith(_ENCODER_PARTS):
        name = PREFIX + name
    if name.endswith("LayerNorm.gamma"):
        return name.removesuffix("gamma") + "weight"
    if name.endswith("LayerNorm.beta"):
        return name.removesuffix("beta") + "bias"
    return name


def _without_wrappers(name: str) -> str:
    return ".".join(part for part in name.split(".") if part not in _WRAPPERS)


def _holder(names: Sequence[str]) -> str:
    """Finds the prefix of a model that is an attribute of another: `model.`, or any before `bert.embeddings`."""
    known = "|".join(_HOLDERS)
    for pattern in (r"((?:\w+\.)*)bert\.embeddings\.word_.*", rf"((?:(?:{known})\.)+)embeddings\.word_.*"):
        found = {match[1] for name in names if (match := re.fullmatch(pattern, name))}
        if len(found) == 1:
            return found.pop()
    return ""
