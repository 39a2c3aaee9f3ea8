"""Running a suite of behaviour tests on a model."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_bert.data.batching.batch_size import check_batch_size
from keras_bert.errors import InputError
from keras_bert.trust.behaviour.asked import Asked
from keras_bert.trust.behaviour.case import BehaviourTest
from keras_bert.trust.behaviour.judge import Judge
from keras_bert.trust.behaviour.read_suite import read_suite
from keras_bert.trust.behaviour.report import BehaviourReport, TestResult


def behave(
    model: Any,
    suite: str | Path | Sequence[BehaviourTest],
    *,
    label_names: Mapping[str, str] | None = None,
    seed: int = 0,
    batch_size: int = 32,
) -> BehaviourReport:
    """Runs a suite of behaviour tests on a model.

    A case fails if the answer to any of its texts does. A rate is one of cases that somebody wrote, not of texts that
    a user sends: it says where a model breaks, not how often.

    Args:
        model: A `BertClassifier` with one label a row, of texts or of pairs, or a `BertQuestionAnswerer`.
        suite: A file of JSON lines or the name of a suite that comes with the package, see `read_suite`; or tests.
        label_names: Class of the suite → class of the model, such as `{"positive": "1"}`; a class that is not named has
            the same name in both, unless another one is named so. Cases of a class that the model has not are counted
            and not judged.
        seed: Of what a suite draws.
        batch_size: Texts a batch.

    Returns:
        The outcome of each test.

    Raises:
        InputError: The model is of another task, there is no such suite, a name is given to a class that the model has
            not, or no case can be judged.

    Example:
        >>> report = behave(model, "sentiment_en", label_names={"positive": "1", "negative": "0"})  # doctest: +SKIP
        >>> print(report.table())  # doctest: +SKIP
    """
    asked = Asked(model, check_batch_size(batch_size))
    names = {str(name): str(label) for name, label in (label_names or {}).items()}
    for label in names.values():
        if asked.labels is not None and label not in asked.labels:
            raise InputError(f"label_names: {label!r} is no class of the model; these are: {', '.join(asked.labels)}")
    tests = read_suite(suite, asked.fields, seed) if isinstance(suite, str | Path) else suite
    judge = Judge(asked.labels, names, asked.same)
    judge.check_labels(tests)
    unfit = [[judge.unfit(test, case) for case in test.cases] for test in tests]
    judged = [
        [case for case, why in zip(test.cases, reasons, strict=True) if why is None]
        for test, reasons in zip(tests, unfit, strict=True)
    ]
    if not any(judged):
        reason = next((why for reasons in unfit for why in reasons if why), "there are none")
        raise InputError(f"no case can be judged: {reason}")
    answers = iter(asked.ask([row for cases in judged for case in cases for row in case.rows]))
    results = []
    for test, cases, reasons in zip(tests, judged, unfit, strict=True):
        found = [judge.failure(test, case, [next(answers) for _ in case.rows]) for case in cases]
        failures = [failure for failure in found if failure is not None]
        skipped = dict(Counter(why for why in reasons if why is not None))
        results.append(TestResult(test.name, test.capability, test.type, len(cases), failures, skipped))
    return BehaviourReport(results)
