"""Adversaries by their names."""

import inspect
from collections.abc import Mapping
from typing import Any

from keras_bert.arguments import refuse_unknown
from keras_bert.errors import InputError
from keras_bert.training.adversary.adversary import Adversary
from keras_bert.training.adversary.fgm import Fgm
from keras_bert.training.adversary.freelb import FreeLb
from keras_bert.training.adversary.pgd import Pgd
from keras_bert.training.adversary.rdrop import RDrop
from keras_bert.training.adversary.smart import Smart

ADVERSARIES: dict[str, type[Adversary]] = {known.name: known for known in (Fgm, Pgd, FreeLb, Smart, RDrop)}
"""Name → class."""


def make_adversary(given: Any) -> Adversary | None:
    """Makes an adversary.

    Args:
        given: A name, `"fgm"`, `"pgd"`, `"freelb"`, `"smart"` or `"rdrop"`; a mapping of `name` and settings; an
            adversary; or None.

    Raises:
        InputError: There is none of that name, or it has no such setting.

    Example:
        >>> make_adversary({"name": "fgm", "epsilon": 0.3})
        Fgm(epsilon=0.3)
    """
    if given is None or isinstance(given, Adversary):
        return given
    settings = dict(given) if isinstance(given, Mapping) else {"name": given}
    name = settings.pop("name", None)
    if not isinstance(name, str) or name not in ADVERSARIES:
        raise InputError(f"adversary is one of {', '.join(ADVERSARIES)}, received: {name!r}")
    refuse_unknown(f"adversary {name!r}", settings, inspect.signature(ADVERSARIES[name]).parameters)
    return ADVERSARIES[name](**settings)
