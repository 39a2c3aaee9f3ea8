"""How a model writes: the settings of a search, by transformers' names."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from keras_bert.decoding.beam_search import GNMT, POWER
from keras_bert.errors import InputError


@dataclasses.dataclass(frozen=True)
class GenerationSettings:
    """What `generation_config.json` holds of a search.

    Attributes:
        max_new_tokens: Tokens of a text at most, its end included.
        min_new_tokens: Tokens before the end at least.
        num_beams: Beams of the search; 1: the likeliest token each time.
        length_penalty: Exponent alpha: a text of n tokens has the score log p / n^alpha.
        length_penalty_type: `"power"`, or `"gnmt"` for ((5 + n) / 6)^alpha, see `keras_bert.decoding.beam_search`.
        early_stopping: True, False or `"never"`, see `keras_bert.decoding.beam_search`.
        no_repeat_ngram_size: No n-gram twice; 0: no such rule.
        repetition_penalty: See `keras_bert.decoding.Constraints`.
        num_return_sequences: Hypotheses of a text: at most `num_beams`, or drawn so often.
        do_sample: Draw each token by its probability; `num_beams` is 1 then. What is drawn follows from the source and
            the seed alone.
        temperature: The logits are divided by it before a draw; this and the next two as in `keras_bert.decoding.draw`.
        top_k: Draw among so many of the likeliest tokens; 0: among all.
        top_p: Draw among the likeliest tokens whose probabilities add up to this.
        prefix: What every text begins with.
        as_long_as_source: A text has as many tokens as its source, as the lines of a couplet.
        source_spelling: Words of the source keep its spelling, where the vocabulary is uncased: for titles, questions
            and summaries, not for translations, see `keras_bert.text.source_spelling`.
        forbidden_words: Words that never come; of what the vocabulary cuts into pieces the pieces in this order.
        allowed_words: Words beside whose pieces nothing comes but the end; none: all may.

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
    length_penalty_type: str = POWER
    early_stopping: bool | str = False
    no_repeat_ngram_size: int = 0
    repetition_penalty: float = 1.0
    num_return_sequences: int = 1
    do_sample: bool = False
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    prefix: str = ""
    as_long_as_source: bool = False
    source_spelling: bool = False
    forbidden_words: Sequence[str] = ()
    allowed_words: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name, least in (
            ("max_new_tokens", 1),
            ("min_new_tokens", 0),
            ("num_beams", 1),
            ("no_repeat_ngram_size", 0),
            ("num_return_sequences", 1),
            ("top_k", 0),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise InputError(f"{name} is {value!r}; it must be a whole number from {least}")
        if self.min_new_tokens >= self.max_new_tokens:
            raise InputError(
                f"min_new_tokens={self.min_new_tokens} leaves no room for an end in "
                f"max_new_tokens={self.max_new_tokens}"
            )
        if self.do_sample and self.num_beams != 1:
            raise InputError(f"do_sample draws one token after the other: with num_beams=1, not {self.num_beams}")
        if self.num_return_sequences > self.num_beams and not self.do_sample:
            raise InputError(
                f"num_return_sequences={self.num_return_sequences} (--num_hypotheses) is more than "
                f"num_beams={self.num_beams} can give"
            )
        if self.early_stopping not in (True, False, "never"):
            raise InputError(f"early_stopping is {self.early_stopping!r}; it must be True, False or 'never'")
        if self.length_penalty_type not in (POWER, GNMT):
            raise InputError(f"length_penalty_type is {self.length_penalty_type!r}; it must be {POWER!r} or {GNMT!r}")
        for name in ("repetition_penalty", "temperature"):
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"{name} is {getattr(self, name)!r}; it must be a number above 0")
        if not math.isfinite(self.length_penalty):
            raise InputError(f"length_penalty is {self.length_penalty!r}; it must be a number")
        if not 0 < self.top_p <= 1:
            raise InputError(f"top_p is {self.top_p!r}; it must be above 0 and at most 1")
        if self.as_long_as_source and self.min_new_tokens:
            raise InputError("as_long_as_source gives the number of tokens; min_new_tokens says another")
        for name in ("forbidden_words", "allowed_words"):
            if isinstance(getattr(self, name), str):
                raise InputError(f"{name} is {getattr(self, name)!r}; it must be a list of words")
            object.__setattr__(self, name, tuple(getattr(self, name)))

    @classmethod
    def known(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Returns those fields of a `generation_config.json` that are settings here; null is none."""
        names = {field.name for field in dataclasses.fields(cls)}
        found = {name: value for name, value in values.items() if name in names and value is not None}
        # What transformers leaves out is its default.
        return {"num_beams": 1, **found} if found.get("do_sample") else found

    def to_dict(self) -> dict[str, Any]:
        """Returns the settings by name, as JSON holds them."""
        values = dataclasses.asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
