"""Counterfactual templates: texts that differ in one word, a name or a group, and how far their scores lie apart."""

import dataclasses
import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_bert.errors import InputError
from keras_bert.evaluation.intervals import percentile_interval
from keras_bert.tasks import BertClassifier, BertRegressor
from keras_bert.trust.audit.finding import Finding, number

MOST_TEXTS = 1_000_000
"""Texts that templates may make; more are refused, since a list too many multiplies them."""

_PLACEHOLDER = re.compile(r"\{(\w+)\}")

Groups = dict[str, list[str]]


@dataclasses.dataclass(frozen=True)
class Counterfactuals:
    """Texts made of templates.

    Attributes:
        texts: One tuple a text, context by context, in each of them filler by filler.
        contexts: How many contexts: a template with all its other placeholders filled.
        fillers: The fillers that are compared, as `(group, filler)`.
    """

    texts: list[tuple[str, ...]]
    contexts: int
    fillers: list[tuple[str, str]]


def read_fillers(value: Any, place: str) -> dict[str, Groups]:
    """Checks lists of fillers as a JSON file has them.

    Args:
        value: Placeholder → list of fillers, each a group of its own, or group → list of fillers.
        place: Where it is from, for the message.

    Returns:
        Placeholder → group → fillers.

    Raises:
        InputError: It is something else, or a list is empty.

    Example:
        >>> read_fillers({"name": {"women": ["Anna"], "men": ["Bela", "Carl"]}, "job": ["nurse"]}, "fillers.json")
        {'name': {'women': ['Anna'], 'men': ['Bela', 'Carl']}, 'job': {'nurse': ['nurse']}}
    """
    if not isinstance(value, Mapping) or not value:
        raise InputError(
            f'{place}: expected an object of lists, such as {{"name": {{"women": ["Anna"], "men": [...]}}}}'
        )
    found: dict[str, Groups] = {}
    for name, lists in value.items():
        groups = lists if isinstance(lists, Mapping) else None
        if isinstance(lists, list):
            groups = {str(filler): [filler] for filler in lists}
        if not re.fullmatch(r"\w+", name):
            raise InputError(f"{place}: {name!r:.40}: the name of a placeholder is of letters, digits and underscores")
        if not groups or not all(isinstance(part, list) and part for part in groups.values()):
            raise InputError(f"{place}: {name!r:.40}: expected a list of fillers, or an object of such lists by group")
        wrong = [filler for part in groups.values() for filler in part if not isinstance(filler, str)]
        if wrong:
            raise InputError(f"{place}: {name!r:.40}: a filler is a string, found {wrong[0]!r:.40}")
        found[name] = {str(group): list(part) for group, part in groups.items()}
    return found


def fill_templates(
    templates: Iterable[str | Sequence[str]], fillers: Mapping[str, Groups], compare: str | None = None
) -> tuple[Counterfactuals, str]:
    """Puts all fillers into all templates.

    Args:
        templates: Texts with `{placeholders}`, or pairs of them; braces around anything else are text.
        fillers: As `read_fillers` returns them.
        compare: The placeholder whose groups are compared; None: the only one in all templates with fillers by group,
            or, where there is none, with a list of them.

    Returns:
        The texts, and the placeholder that is compared.

    Raises:
        InputError: A placeholder without fillers, a template without the one that is compared, one group only, or too
            many texts.

    Example:
        >>> fillers = {"person": {"women": ["Anna"], "men": ["Bela"]}, "job": {"": ["nurse", "pilot"]}}
        >>> filled, compared = fill_templates(["{person} is a {job}."], fillers)
        >>> filled.texts, compared
        ([('Anna is a nurse.',), ('Bela is a nurse.',), ('Anna is a pilot.',), ('Bela is a pilot.',)], 'person')
    """
    rows = [(row,) if isinstance(row, str) else tuple(row) for row in templates]
    used = [dict.fromkeys(name for text in row for name in _PLACEHOLDER.findall(text)) for row in rows]
    if not rows:
        raise InputError("there are no templates")
    for index, names in enumerate(used):
        for name in names:
            if name not in fillers:
                known = ", ".join(f"{{{known}}}" for known in fillers)
                raise InputError(f"template {index}: {{{name:.40}}} has no fillers; there are: {known}")
    if compare is None:
        compare = _compared(fillers, used)
    if compare not in fillers:
        raise InputError(f"{compare!r:.40} has no fillers; there are: {', '.join(fillers)}")
    if len(fillers[compare]) < 2:
        raise InputError(f"{compare!r:.40} has one group of fillers, {next(iter(fillers[compare]))!r:.40}; compare two")
    for index, names in enumerate(used):
        if compare not in names:
            raise InputError(f"template {index}: {{{compare}}}, which is compared, is not in it")
    compared = [(group, filler) for group, part in fillers[compare].items() for filler in part]
    texts: list[tuple[str, ...]] = []
    contexts = 0
    for row, row_names in zip(rows, used, strict=True):
        others = [name for name in row_names if name != compare]
        choices = [[filler for part in fillers[name].values() for filler in part] for name in others]
        contexts += math.prod(map(len, choices))
        if contexts * len(compared) > MOST_TEXTS:
            raise InputError(f"the templates make more than {MOST_TEXTS:,} texts; give fewer fillers")
        for values in itertools.product(*choices):
            words = dict(zip(others, values, strict=True))
            texts += [tuple(_filled(text, {**words, compare: filler}) for text in row) for _, filler in compared]
    return Counterfactuals(texts, contexts, compared), compare


def _compared(fillers: Mapping[str, Groups], used: Sequence[Mapping[str, None]]) -> str:
    """Returns the placeholder whose groups are compared where none is named."""
    fit = [name for name, groups in fillers.items() if len(groups) > 1 and all(name in names for names in used)]
    by_group = [name for name in fit if any(part != [group] for group, part in fillers[name].items())]
    chosen = by_group or fit
    if len(chosen) != 1:
        found = ", ".join(chosen) or "none"
        raise InputError(f"say which placeholder is compared; in all templates and of two groups or more: {found}")
    return chosen[0]


def _filled(text: str, words: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: words[found[1]], text)


def audit_templates(
    task: Any,
    templates: Iterable[str | Sequence[str]],
    fillers: Mapping[str, Groups],
    compare: str | None = None,
    draws: int = 1000,
    batch_size: int = 64,
    where: str = "the templates given",
) -> Finding:
    """Compares what a model says of texts that differ in the fillers of one placeholder alone.

    The score is the probability of a class (of two the second; of more each), of a regressor its number. The difference
    of two groups is that of the means over all contexts and over each group's fillers; its interval is of bootstrap
    draws of contexts and of fillers both, since another list of names would give other numbers too.

    Args:
        task: A `BertClassifier` or a `BertRegressor`.
        templates: See `fill_templates`.
        fillers: As `read_fillers` returns them.
        compare: See `fill_templates`.
        draws: Bootstrap draws.
        batch_size: Texts a batch.
        where: What the templates are, for the card.

    Raises:
        InputError: Another task, or as `fill_templates`.

    Example:
        >>> model = keras_bert.BertClassifier.from_preset("minilm", labels=["no", "yes"])
        >>> fillers = {"person": {"women": ["Anna"], "men": ["Bela"]}, "job": {"": ["nurse", "pilot"]}}
        >>> audit_templates(model, ["{person} is a {job}."], fillers).probe
        'templates'

    References:
        Kiritchenko and Mohammad 2018, arXiv:1805.04508; Garg et al. 2019, arXiv:1809.10610, counterfactual token
        fairness.
    """
    if not isinstance(task, BertClassifier | BertRegressor):
        raise InputError(
            f"the probe 'templates' is for classifiers and regressors; this model is a {type(task).__name__}"
        )
    made, compare = fill_templates(templates, fillers, compare)
    scores = _scores(task, made.texts, batch_size)
    groups = list(fillers[compare])
    of_group = {group: [place for place, (name, _) in enumerate(made.fillers) if name == group] for group in groups}
    shape = (made.contexts, len(made.fillers))
    summary: dict[str, str] = {}
    by_output: dict[str, Any] = {}
    for output, values in scores.items():
        table = values.reshape(shape)
        entry: dict[str, Any] = {"of_filler": table.mean(axis=0).tolist(), "differences": []}
        entry["of_group"] = {group: float(table[:, places].mean()) for group, places in of_group.items()}
        for first, second in itertools.combinations(groups, 2):
            mean, interval = _difference(table[:, of_group[first]], table[:, of_group[second]], draws)
            entry["differences"].append({"groups": [first, second], "value": mean, "interval": list(interval)})
            summary[f"{output}: {first} less {second}"] = number(mean, interval)
        by_output[output] = entry
    fillers_of = [{"group": group, "filler": filler} for group, filler in made.fillers]
    details: dict[str, Any] = {"compared": compare, "contexts": made.contexts, "draws": draws}
    details |= {"fillers": fillers_of, "scores": by_output}
    return Finding("templates", f"{where}, {made.contexts:,} contexts", summary, _warnings(made, of_group), details)


def _scores(task: Any, texts: list[tuple[str, ...]], batch_size: int) -> dict[str, np.ndarray]:
    """Returns what is compared, name → float (texts,)."""
    given = [text[0] if len(text) == 1 else text for text in texts]
    if isinstance(task, BertRegressor):
        return {"score": np.array([answer["score"] for answer in task.answer(given, batch_size)])}
    answers = task.answer(given, batch_size, scores=True)
    labels = task.labels[1:] if len(task.labels) == 2 and "label" in answers[0] else task.labels
    return {label: np.array([answer["scores"][label] for answer in answers]) for label in labels}


def _difference(first: np.ndarray, second: np.ndarray, draws: int) -> tuple[float, tuple[float, float]]:
    """Returns the difference of the means of two tables, (contexts, fillers), and its interval."""
    mean = float(first.mean() - second.mean())
    contexts = len(first)
    if contexts < 2 and min(first.shape[1], second.shape[1]) < 2:
        return mean, (float("nan"), float("nan"))
    random = np.random.default_rng(0)
    weights = [
        random.multinomial(size, np.full(size, 1 / size), draws) / size
        for size in (contexts, first.shape[1], second.shape[1])
    ]
    drawn = ((weights[0] @ first) * weights[1]).sum(axis=1) - ((weights[0] @ second) * weights[2]).sum(axis=1)
    return mean, percentile_interval(drawn)


def _warnings(made: Counterfactuals, of_group: Mapping[str, list[int]]) -> tuple[str, ...]:
    warnings = [
        "A filler differs from another in more than the group it stands for: how frequent it is, how many tokens it "
        "has, what else it means. Small differences may be of these."
    ]
    if made.contexts < 10:
        warnings.append(f"{made.contexts} contexts are few; the interval is narrower than the truth.")
    few = [group for group, places in of_group.items() if len(places) < 3]
    if few:
        warnings.append(
            f"Groups with fewer than three fillers, such as {few[0]}, say more of the words than of the group."
        )
    return tuple(warnings)
