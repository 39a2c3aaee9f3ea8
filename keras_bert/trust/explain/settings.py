"""How texts are explained: the method and its options, checked."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Self

from keras_bert.errors import InputError
from keras_bert.trust.explain.attention import attention_maps, rollout
from keras_bert.trust.explain.attribution import Attribution
from keras_bert.trust.explain.gradients import MOST_STEPS, gradient_x_input, integrated_gradients
from keras_bert.trust.explain.reading import Reading
from keras_bert.trust.explain.replacing import occlusion, shapley
from keras_bert.trust.explain.scorer import BASELINES, Scorer

Pieces = Sequence[Sequence[dict[str, Any]]]

# The options of each method, with what they are if nobody says.
_OPTIONS: dict[str, dict[str, Any]] = {
    "integrated_gradients": {"baseline": "[PAD]", "steps": 50},
    "gradient_x_input": {},
    "attention": {"layers": None, "heads": None},
    "rollout": {},
    "occlusion": {"baseline": "[MASK]"},
    "shapley": {"baseline": "[MASK]", "permutations": 25, "seed": 0},
}

METHODS = tuple(_OPTIONS)


@dataclasses.dataclass(frozen=True)
class ExplainSettings:
    """A method and its options.

    Attributes:
        method: One of `METHODS`.
        options: The options of the method.
    """

    method: str
    options: dict[str, Any]

    @classmethod
    def of(cls, method: str, **given: Any) -> Self:
        """Checks a method and its options.

        Args:
            method: The method.
            **given: Options of any method; those that are None are left to the method.

        Raises:
            InputError: There is no such method, an option is of another one, or out of its range.

        Example:
            >>> ExplainSettings.of("occlusion", baseline="zero", steps=None).options
            {'baseline': 'zero'}
        """
        if method not in _OPTIONS:
            raise InputError(f"method must be one of {', '.join(METHODS)}, received: {method!r:.60}")
        known = _OPTIONS[method]
        said = {name: value for name, value in given.items() if value is not None}
        for name in said:
            if name not in known:
                have = [other for other, options in _OPTIONS.items() if name in options]
                raise InputError(f"{name} is an option of {' and '.join(have)}; method={method!r} has none such")
        options = {**known, **said}
        if options.get("baseline", BASELINES[0]) not in BASELINES:
            raise InputError(f"baseline must be one of {', '.join(BASELINES)}, received: {options['baseline']!r:.60}")
        for name, most in (("steps", MOST_STEPS), ("permutations", None)):
            number = options.get(name, 1)
            if isinstance(number, bool) or not isinstance(number, int) or number < 1 or (most and number > most):
                span = f"from 1 to {most}" if most else "1 or more"
                raise InputError(f"{name} is {number!r:.60}; it must be a whole number, {span}")
        return cls(method, options)

    @property
    def baseline(self) -> str | None:
        """What stands for a word that is not there; None of a method that takes none away."""
        return self.options.get("baseline")

    def apply(self, scorer: Scorer, reading: Reading, pieces: Callable[[], Pieces]) -> Attribution:
        """Explains a text.

        Args:
            scorer: That of the task.
            reading: The text.
            pieces: Names the tokens of each row, for maps.
        """
        if self.method == "attention":
            return attention_maps(scorer, reading, pieces(), **self.options)
        methods: dict[str, Callable[..., Attribution]] = {
            "integrated_gradients": integrated_gradients,
            "gradient_x_input": gradient_x_input,
            "rollout": rollout,
            "occlusion": occlusion,
            "shapley": shapley,
        }
        return methods[self.method](scorer, reading, **self.options)
