"""The kinds of attack, by name."""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

from keras_bert.errors import InputError
from keras_bert.trust.attack.homoglyphs import Homoglyphs
from keras_bert.trust.attack.masked_words import MaskedWords
from keras_bert.trust.attack.proposer import Proposer
from keras_bert.trust.attack.synonyms import Synonyms
from keras_bert.trust.attack.typos import Typos

KINDS = ("typos", "homoglyphs", "synonyms", "masked_words")


def make_proposer(
    kind: str,
    synonyms: Mapping[str, Sequence[str]] | str | PathLike[str] | None = None,
    filler: Any = None,
    seed: int = 0,
    batch_size: int = 32,
) -> Proposer:
    """Makes what proposes the replacements of words.

    Args:
        kind: One of `KINDS`.
        synonyms: For `synonyms`: the list, or a file with it, see `Synonyms.from_file`.
        filler: For `masked_words`: a `BertPretrainer`.
        seed: For `typos`: of the places.
        batch_size: For `masked_words`: texts a batch.

    Raises:
        InputError: No such kind, it lacks what it needs, or something is given that another kind needs.
    """
    if kind not in KINDS:
        raise InputError(f"no kind of attack {kind!r}; there are: {', '.join(KINDS)}")
    for name, value, needed in (("synonyms", synonyms, "synonyms"), ("filler", filler, "masked_words")):
        if value is None and kind == needed:
            what = "a list of them, word → words, or a file" if name == "synonyms" else "a BertPretrainer"
            raise InputError(f"kind={kind!r} needs {name}=: {what}")
        if value is not None and kind != needed:
            raise InputError(f"{name}= is for kind={needed!r}; kind={kind!r} does not read it")
    if kind == "typos":
        return Typos(seed)
    if kind == "homoglyphs":
        return Homoglyphs()
    if kind == "masked_words":
        return MaskedWords(filler, batch_size=batch_size)
    return Synonyms(synonyms) if isinstance(synonyms, Mapping) else Synonyms.from_file(str(synonyms))
