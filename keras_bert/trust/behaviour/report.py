"""What behaviour tests found: a table of failure rates, and examples."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from keras_bert.errors import one_line
from keras_bert.trust.audit.finding import Finding, percent

_LONGEST = 100


@dataclass(frozen=True)
class Failure:
    """A case that failed.

    Attributes:
        rows: Its texts.
        answers: The answers to them.
        expected: What was expected, in words.
    """

    rows: tuple[tuple[str, ...], ...]
    answers: tuple[str, ...]
    expected: str

    def to_dict(self) -> dict[str, Any]:
        """Returns it as JSON has it."""
        return {"texts": [list(row) for row in self.rows], "answers": list(self.answers), "expected": self.expected}


@dataclass(frozen=True)
class TestResult:
    """The outcome of one test.

    Attributes:
        name: Of the test.
        capability: What it is a part of.
        type: `MFT`, `INV` or `DIR`.
        cases: Cases that were judged.
        failures: Those that failed.
        skipped: Why cases were not judged → how many.
    """

    __test__ = False  # for pytest, which takes the name for that of a test of its own

    name: str
    capability: str
    type: str
    cases: int
    failures: Sequence[Failure]
    skipped: dict[str, int]

    @property
    def rate(self) -> float | None:
        """Failed cases of those that were judged; None where none was."""
        return len(self.failures) / self.cases if self.cases else None

    def to_dict(self, examples: int) -> dict[str, Any]:
        """Returns it as JSON has it, with the first examples."""
        return {
            "test": self.name,
            "capability": self.capability,
            "type": self.type,
            "cases": self.cases,
            "failures": len(self.failures),
            "failure_rate": self.rate,
            "skipped": self.skipped,
            "examples": [failure.to_dict() for failure in self.failures[:examples]],
        }


@dataclass(frozen=True)
class BehaviourReport:
    """The outcome of a suite.

    Attributes:
        tests: The outcome of each test, in the order of the suite.
    """

    tests: Sequence[TestResult]

    def to_dict(self, examples: int = 3) -> dict[str, Any]:
        """Returns all of it as JSON has it.

        Args:
            examples: Failed cases of a test to show, the first.
        """
        return {"tests": [test.to_dict(examples) for test in self.tests]}

    def finding(self, suite: str) -> Finding:
        """Returns it as an audit shows and keeps it.

        Args:
            suite: Its name or file.
        """
        cases = sum(test.cases for test in self.tests)
        skipped = sum(count for test in self.tests for count in test.skipped.values())
        warnings = ["a rate is one of cases that somebody wrote: it says where a model breaks, not how often it will"]
        if skipped:
            warnings.append(f"{skipped:,} cases were not judged; behaviour.json says why")
        return Finding(
            probe="behaviour",
            rows=f"{suite}, {len(self.tests)} tests, {cases:,} cases",
            summary={f"{test.capability or 'other'}: {test.name} ({test.type})": _outcome(test) for test in self.tests},
            warnings=tuple(warnings),
            details=self.to_dict(),
            files={"behaviour.txt": self.table(examples=3) + "\n"},
        )

    def table(self, examples: int = 1) -> str:
        """Writes a line for each test, those of a capability together, and examples below it.

        Args:
            examples: Failed cases of a test to show, the first.
        """
        lines = ["type  cases  failed   rate  test"]
        for capability in dict.fromkeys(test.capability for test in self.tests):
            lines.append(one_line(capability or "other", _LONGEST))
            for test in (test for test in self.tests if test.capability == capability):
                rate = "     -" if test.rate is None else f"{test.rate:6.1%}"
                name = one_line(test.name, _LONGEST)
                lines.append(f"{test.type:4}  {test.cases:5d}  {len(test.failures):6d} {rate}  {name}")
                lines += [f"{'':22}  not judged: {count}, {why}" for why, count in test.skipped.items()]
                lines += [line for failure in test.failures[:examples] for line in _example(failure)]
        return "\n".join(lines)


def _outcome(test: TestResult) -> str:
    """Says in a line how a test went, with an example."""
    if test.rate is None:
        return "not judged"
    line = f"{len(test.failures)} of {test.cases} failed ({percent(test.rate)})"
    if not test.failures:
        return line
    failure = test.failures[0]
    row, answer = failure.rows[-1], failure.answers[-1]
    shown = f"{one_line(' | '.join(row), _LONGEST)} → {one_line(answer, _LONGEST)}"
    return f"{line}, such as: {shown}; expected: {failure.expected}"


def _example(failure: Failure) -> list[str]:
    shown = [
        f"{'':26}{one_line(' | '.join(row), 2 * _LONGEST)} → {one_line(answer, _LONGEST)}"
        for row, answer in zip(failure.rows, failure.answers, strict=True)
    ]
    return [*shown[:2], f"{'':26}expected: {failure.expected}"]
