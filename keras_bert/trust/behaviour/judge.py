"""Whether the answers to a case are as they should be."""

from collections.abc import Callable, Mapping, Sequence

from keras_bert.errors import InputError, one_line
from keras_bert.trust.behaviour.case import DIRECTION, MINIMUM, Answer, BehaviourTest, Case, Expected
from keras_bert.trust.behaviour.report import Failure

NO_EXPECTATION = "the file does not hold what is expected"
ONE_ALONE = "there is one text alone, and nothing to compare it with"


class Judge:
    """Judges the cases of tests.

    Args:
        labels: The model's classes; None where answers are texts.
        names: Class of the suite → class of the model; a class that is not named has the same name in both, unless
            another one is named so.
        same: Tells whether an answer is the right one.
    """

    def __init__(
        self, labels: Sequence[str] | None, names: Mapping[str, str], same: Callable[[str, str], bool]
    ) -> None:
        self._labels = labels
        self._names = names
        self._same = same

    def unfit(self, test: BehaviourTest, case: Case) -> str | None:
        """Says why a case cannot be judged; None where it can."""
        if test.type == MINIMUM:
            wanted = case.labels or case.not_labels
            if wanted is None:
                return NO_EXPECTATION
            unknown = [label for label in wanted if not self._knows(label)]
        else:
            if len(case.rows) < 2:
                return ONE_ALONE
            if test.type == DIRECTION and (case.expected is None or self._labels is None):
                return NO_EXPECTATION if case.expected is None else "answers are texts, which have no direction"
            unknown = [case.expected.label] if case.expected and not self._knows(case.expected.label) else []
        return f"{one_line(unknown[0], 60)!r} is no class of the model" if unknown else None

    def check_labels(self, tests: Sequence[BehaviourTest]) -> None:
        """Checks that the model has one of the classes of a suite at least.

        Raises:
            InputError: It has none of them.
        """
        cases = [case for test in tests for case in test.cases]
        named = [label for case in cases for label in (*(case.labels or ()), *(case.not_labels or ()))]
        named = list(dict.fromkeys(named + [case.expected.label for case in cases if case.expected]))
        if self._labels is not None and named and not any(map(self._knows, named)):
            raise InputError(
                f"the suite's classes are {', '.join(named[:10])}, the model's {', '.join(self._labels[:10])}; say "
                f"which is which, label_names={{{named[0]!r}: {self._labels[0]!r}, ...}} (--label_names={named[0]}:"
                f"{self._labels[0]},...)"
            )

    def failure(self, test: BehaviourTest, case: Case, answers: Sequence[Answer]) -> Failure | None:
        """Returns what is wrong with the answers to a case; None where they are right.

        Args:
            test: The case's.
            case: One that can be judged.
            answers: To its rows.
        """
        rows, said = case.rows, tuple(answer.label for answer in answers)
        if test.type == MINIMUM and case.labels:
            wanted = [self._name(label) for label in case.labels]
            wrong = [at for at, label in enumerate(wanted) if not self._same(said[at], label)]
            return _failure(rows, said, wrong, wanted[wrong[0]], alone=True) if wrong else None
        if test.type == MINIMUM:
            unwanted = [self._name(label) for label in case.not_labels or ()]
            wrong = [at for at, label in enumerate(unwanted) if self._same(said[at], label)]
            return _failure(rows, said, wrong, f"not {unwanted[wrong[0]]}", alone=True) if wrong else None
        if case.expected is None:
            wrong = [at for at in range(1, len(said)) if not self._same(said[at], said[0])]
            return _failure(rows, said, wrong, "the same answer") if wrong else None
        expected = Expected(self._name(case.expected.label), case.expected.change, case.expected.tolerance)
        scores = [answer.scores[expected.label] for answer in answers]
        wrong = [at for at in range(1, len(scores)) if not expected.holds(scores[0], scores[at])]
        shown = tuple(f"{label} {score:.3f}" for label, score in zip(said, scores, strict=True))
        return _failure(rows, shown, wrong, expected.in_words()) if wrong else None

    def _knows(self, label: str) -> bool:
        """Tells whether the model has a class; one that another class of the suite was named for is not meant."""
        if self._labels is None:
            return True
        is_taken = label not in self._names and label in self._names.values()
        return self._name(label) in self._labels and not is_taken

    def _name(self, label: str) -> str:
        return self._names.get(label, label)


def _failure(
    rows: Sequence[tuple[str, ...]], said: Sequence[str], wrong: Sequence[int], expected: str, alone: bool = False
) -> Failure:
    """Keeps the rows that are wrong, behind the original where that is what they are compared with."""
    kept = list(wrong) if alone else [0, *wrong]
    return Failure(tuple(rows[at] for at in kept), tuple(said[at] for at in kept), expected)
