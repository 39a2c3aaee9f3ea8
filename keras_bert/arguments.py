"""Arguments by name that nothing would read are refused, and the near one is named."""

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping

from keras_bert.errors import InputError

MODEL_ARGUMENTS = ("name", "trainable")
"""What a functional `keras.Model` takes beside its inputs and outputs; all else it drops in silence."""

LAYER_ARGUMENTS = ("activity_regularizer", "autocast", "dtype", "name", "trainable")
"""What every `keras.layers.Layer` takes."""


OPTIMIZER_ARGUMENTS = (
    *("clipnorm", "clipvalue", "global_clipnorm", "use_ema", "ema_momentum", "ema_overwrite_frequency"),
    *("loss_scale_factor", "gradient_accumulation_steps"),
)
"""What every `keras.optimizers.Optimizer` takes beside its learning rate, its weight decay and its name."""


CALL_ARGUMENTS = ("training", "mask")
"""What a call of a `keras.Model` takes beside its inputs."""

# What others call an argument of ours that the nearest spelling does not find.
_OTHERS = {
    **dict.fromkeys(
        ("max_seq_length", "max_seq_len", "model_max_length", "sequence_length", "seq_length"), "max_length"
    ),
    **dict.fromkeys(("num_labels", "num_classes", "id2label", "classes"), "labels"),
    **dict.fromkeys(("do_lower_case", "lower_case"), "lowercase"),
}


def refuse_unknown(place: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Refuses names that are none of those known.

    Args:
        place: What takes the arguments, for the message: `BertEncoder`, `BertClassifier.from_preset`.
        given: Names of the arguments.
        known: Names that there are.

    Raises:
        InputError: Names the first unknown argument, and the near one or all that there are.

    Example:
        >>> refuse_unknown("BertEncoder", {"use_poolers": True}, ["config", "use_pooler"])
        Traceback (most recent call last):
        ...
        keras_bert.errors.InputError: BertEncoder takes no argument 'use_poolers'; did you mean 'use_pooler'?
    """
    names = list(dict.fromkeys(known))
    for name in given:
        if name not in names:
            near = [_OTHERS[name]] if _OTHERS.get(name) in names else difflib.get_close_matches(name, names, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"the arguments are: {', '.join(names)}"
            raise InputError(f"{place} takes no argument {name!r}; {hint}")


def check_call(place: str, inputs: object, known: Iterable[str], options: Iterable[str]) -> None:
    """Refuses what a call of a functional `keras.Model` would drop in silence.

    Args:
        place: What is called, for the message.
        inputs: What it was given; looked at where it is a dict.
        known: Names of its inputs.
        options: Names of the other arguments.

    Raises:
        InputError: Names the first that is not known.
    """
    refuse_unknown(f"a call of {place}", options, CALL_ARGUMENTS)
    names = list(known)
    unknown = [name for name in inputs if name not in names] if isinstance(inputs, Mapping) else []
    if unknown:
        raise InputError(f"{place} has no input {unknown[0]!r}; its inputs are: {', '.join(names)}")


def check_arguments(
    cls: type, given: Iterable[str], inherited: Iterable[str] = MODEL_ARGUMENTS, place: str | None = None
) -> None:
    """Refuses what a constructor's `**kwargs` hold beside the arguments of its Keras base.

    Args:
        cls: The class that the constructor is of.
        given: Its `kwargs`.
        inherited: What the base takes.
        place: What the message calls it; by default the name of the class.

    Raises:
        InputError: As `refuse_unknown`.
    """
    inherited = tuple(inherited)
    if not set(given) <= set(inherited):
        # The names in the signature cannot be among those given: they are there for the hint.
        refuse_unknown(place or cls.__name__, given, (*arguments_of(vars(cls)["__init__"]), *inherited))


def check_options(cls: type, given: Iterable[str]) -> None:
    """Refuses what the `**options` of a class's `from_preset` hold beside further arguments of the constructor.

    Args:
        cls: A task.
        given: The options.

    Raises:
        InputError: As `refuse_unknown`.
    """
    made_by_from_preset = ("encoder", "preprocessor")
    constructor = [name for name in arguments_of(*_constructors(cls)) if name not in made_by_from_preset]
    from_preset = arguments_of(cls.from_preset)  # type: ignore[attr-defined]
    refuse_unknown(f"{cls.__name__}.from_preset", given, (*from_preset, *constructor, *MODEL_ARGUMENTS))


def arguments_of(*functions: Callable[..., object]) -> list[str]:
    """Returns the names of arguments that functions take, but for `self` and those that stand for any others."""
    return [
        parameter.name
        for function in functions
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) and parameter.name != "self"
    ]


def _constructors(cls: type) -> list[Callable[..., object]]:
    """Returns the constructor, and those to which it passes on all arguments."""
    found: list[Callable[..., object]] = []
    for base in cls.__mro__:
        if "__init__" in vars(base):
            found.append(vars(base)["__init__"])
            kinds = {parameter.kind for parameter in inspect.signature(found[-1]).parameters.values()}
            if inspect.Parameter.VAR_POSITIONAL not in kinds:
                break
    return found
