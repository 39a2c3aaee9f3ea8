"""How a model writes: the settings of a search, by transformers' names."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from keras_bert.errors import InputError


@dataclasses.dataclass(frozen=True)
class GenerationSettings:
    """What `generation_config.json` holds of a search.

    Attributes:
        max_new_tokens: Tokens of a text at most, its end included.
        min_new_tokens: Tokens before the end at least.
        num_beams: Beams of the search; 1: the likeliest token each time.
        length_penalty: Exponent alpha: a text of n tokens has the score log p / n^alpha.
        early_stopping: True, False or `"never"`, see `keras_bert.decoding.beam_search`.
        no_repeat_ngram_size: No n-gram twice; 0: no such rule.
        repetition_penalty: See `keras_bert.decoding.Constraints`.
        num_return_sequences: Hypotheses of a text, at most `num_beams`.

    Raises:
        InputError: A value that is none, or that does not go with another.

    Example:
        >>> GenerationSettings(num_beams=5).length_penalty
        1.0
    """

    max_new_tokens: int = 64
    min_new_tokens: int = 0
    num_beams: int = 4
    length_penalty: float = 1.0
    early_stopping: bool | str = False
    no_repeat_ngram_size: int = 0
    repetition_penalty: float = 1.0
    num_return_sequences: int = 1

    def __post_init__(self) -> None:
        for name, least in (
            ("max_new_tokens", 1),
            ("min_new_tokens", 0),
            ("num_beams", 1),
            ("no_repeat_ngram_size", 0),
            ("num_return_sequences", 1),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise InputError(f"{name} is {value!r}; it must be a whole number from {least}")
        if self.min_new_tokens >= self.max_new_tokens:
            raise InputError(
                f"min_new_tokens={self.min_new_tokens} leaves no room for an end in "
                f"max_new_tokens={self.max_new_tokens}"
            )
        if self.num_return_sequences > self.num_beams:
            raise InputError(
                f"num_return_sequences={self.num_return_sequences} is more than num_beams={self.num_beams} can give"
            )
        if self.early_stopping not in (True, False, "never"):
            raise InputError(f"early_stopping is {self.early_stopping!r}; it must be True, False or 'never'")
        if not self.repetition_penalty > 0:
            raise InputError(f"repetition_penalty is {self.repetition_penalty!r}; it must be above 0")

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "GenerationSettings":
        """Takes what it knows out of a `generation_config.json`, whose other fields are left."""
        known = {field.name for field in dataclasses.fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known and value is not None})

    def to_dict(self) -> dict[str, Any]:
        """Returns the settings by name."""
        return dataclasses.asdict(self)
