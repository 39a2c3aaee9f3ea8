"""A study on disk: the trials made so far, and what Optuna proposes to try next."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.evaluation.extras import import_extra
from keras_bert.files import write_file
from keras_bert.foreign_files import read_json
from keras_bert.tuning.space import Choice, Range, Space, Value

RUNNING, COMPLETE, PRUNED, FAILED = "running", "complete", "pruned", "failed"
"""States of a trial."""

_FORMAT = 1


@dataclass
class Trial:
    """One setting that is tried.

    Args:
        number: From 0.
        values: Setting → value.
        state: `"running"`, `"complete"`, `"pruned"` (stopped early, as worse than the others) or `"failed"`.
        score: What it reached; None unless it is complete.
        scores: After each epoch, as far as it came.
        facts: What else is known, such as `seconds`, or the `error` of one that failed.
    """

    number: int
    values: dict[str, Value]
    state: str = RUNNING
    score: float | None = None
    scores: list[float] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


class Study:
    """Trials of settings, written down after each change, so that a study goes on where it was killed.

    A trial that was running then is tried again with the same values. Each proposal follows from the seed, the trial's
    number and the trials told before it: a study of one process that is killed and goes on ends as if it had not been.

    Args:
        path: The file, `study.json`; one that is there is gone on with.
        space: What is tried.
        mode: `"max"` or `"min"`: whether a higher or a lower score is better.
        seed: Of the proposals.
        first: Settings to try before all others, in this order; None tries what Optuna proposes at once.
        parallel: Several trials run at a time.

    Raises:
        InputError: Optuna is not installed; the file is of another study, or damaged.

    Example:
        >>> study = Study("study.json", {"learning_rate": Range(1e-5, 1e-4, log=True)})  # doctest: +SKIP
        >>> trial = study.ask()  # doctest: +SKIP
        >>> study.tell(trial, 0.83)  # doctest: +SKIP

    References:
        Akiba et al. 2019, arXiv:1907.10902 (Optuna); Bergstra et al. 2011, Algorithms for Hyper-Parameter Optimization,
        section 4 (the tree-structured Parzen estimator).
    """

    def __init__(
        self,
        path: str | Path,
        space: Space,
        mode: str = "max",
        seed: int = 0,
        first: Sequence[Mapping[str, Value]] = (),
        parallel: bool = False,
    ) -> None:
        self._optuna = import_extra("optuna", "tune")
        self._optuna.logging.set_verbosity(self._optuna.logging.WARNING)
        self.path = Path(path)
        self.space = dict(space)
        self.mode = mode
        self.seed = seed
        self._parallel = parallel
        self._distributions = {name: self._distribution(values) for name, values in space.items()}
        self._study = self._optuna.create_study(
            direction="maximize" if mode == "max" else "minimize", pruner=self._optuna.pruners.MedianPruner()
        )
        self.trials = self._read()
        self._asked: dict[int, Any] = {}
        self._waiting: list[Trial] = []
        self._take_up(first)

    @property
    def best(self) -> Trial | None:
        """The complete trial with the best score, the first of several."""
        complete = [trial for trial in self.trials if trial.state == COMPLETE]
        sign = 1 if self.mode == "max" else -1
        return max(complete, key=lambda trial: sign * _score(trial), default=None)

    def ask(self) -> Trial:
        """Returns the next trial: one that was running when the study was left, or a new one."""
        if self._waiting:
            return self._waiting.pop(0)
        return self._new()

    def report(self, trial: Trial, scores: Sequence[float], is_over: bool = False) -> bool:
        """Takes the scores of a trial so far, and tells whether it is to be stopped.

        Args:
            trial: One of `ask`.
            scores: After each epoch, from the first.
            is_over: These are all; after the last one there is nothing to be stopped.

        Returns:
            Whether after one of these epochs its best score was worse than the median of the others' after as many.
        """
        asked = self._asked[trial.number]
        is_poor = False
        for step in range(len(trial.scores), len(scores)):
            trial.scores.append(float(scores[step]))
            if math.isfinite(scores[step]):
                asked.report(float(scores[step]), step)
            is_last = is_over and step == len(scores) - 1
            is_poor = is_poor or (not is_last and bool(asked.should_prune()))
        self._write()
        return is_poor

    def tell(self, trial: Trial, score: float | None, state: str = COMPLETE, **facts: Any) -> None:
        """Ends a trial.

        Args:
            trial: One of `ask`.
            score: What it reached, for a complete one.
            state: `"complete"`, `"pruned"` or `"failed"`.
            **facts: To be kept with it.
        """
        if state == COMPLETE and (score is None or not math.isfinite(score)):
            state, facts = FAILED, {**facts, "error": f"the score is {score}"}
        trial.state, trial.score = state, score if state == COMPLETE else None
        trial.facts |= facts
        states = self._optuna.trial.TrialState
        told = {COMPLETE: states.COMPLETE, PRUNED: states.PRUNED, FAILED: states.FAIL}[state]
        self._study.tell(self._asked[trial.number], trial.score, told)
        self._write()

    def optuna_study(self) -> Any:
        """Returns the `optuna.Study` behind this one, for its plots and importances."""
        return self._study

    def _distribution(self, values: Range | Choice) -> Any:
        make = self._optuna.distributions
        if isinstance(values, Choice):
            return make.CategoricalDistribution(values.values)
        if values.whole:
            return make.IntDistribution(int(values.low), int(values.high), log=values.log)
        return make.FloatDistribution(values.low, values.high, log=values.log)

    def _read(self) -> list[Trial]:
        """Reads the trials of an earlier process."""
        try:
            found = read_json(self.path)
            if found is None:
                return []
            own = self._facts()
            if differing := [name for name in own if found[name] != own[name]]:
                raise InputError(
                    f"{self.path}: a study of another {differing[0]}; it goes on with the same alone: "
                    "choose another folder, or replace it, --overwrite"
                )
            return [_trial(trial) for trial in found["trials"]]
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{self.path}: the study is damaged ({error!r:.100})") from None

    def _facts(self) -> dict[str, Any]:
        space = {name: [type(values).__name__, *dataclasses.astuple(values)] for name, values in self.space.items()}
        # As JSON has it: tuples are lists there.
        return {
            "format": _FORMAT,
            "space": {name: _listed(values) for name, values in space.items()},
            "mode": self.mode,
        }

    def _take_up(self, first: Sequence[Mapping[str, Value]]) -> None:
        """Tells Optuna of the trials there are, in their order; those that were running wait to be asked for."""
        create, states = self._optuna.trial.create_trial, self._optuna.trial.TrialState
        told = {COMPLETE: states.COMPLETE, PRUNED: states.PRUNED, FAILED: states.FAIL}
        for trial in self.trials:
            if trial.state == RUNNING:
                trial.scores = []
                self._study.enqueue_trial(trial.values)
                self._asked[trial.number] = self._study.ask(self._distributions)
                self._waiting.append(trial)
                continue
            self._study.add_trial(
                create(
                    state=told[trial.state],
                    value=trial.score,
                    params=trial.values,
                    distributions=self._distributions,
                    intermediate_values={
                        step: score for step, score in enumerate(trial.scores) if math.isfinite(score)
                    },
                )
            )
        for values in first[len(self.trials) :]:
            self._study.enqueue_trial(dict(values))

    def _new(self) -> Trial:
        number = len(self.trials)
        # Of its own number alone, so that it does not matter which process asks.
        self._study.sampler = self._optuna.samplers.TPESampler(
            seed=self.seed * 100_003 + number, constant_liar=self._parallel
        )
        asked = self._study.ask(self._distributions)
        assert asked.number == number
        trial = Trial(number, dict(asked.params))
        self._asked[number] = asked
        self.trials.append(trial)
        self._write()
        return trial

    def _write(self) -> None:
        facts = {**self._facts(), "seed": self.seed, "trials": [dataclasses.asdict(trial) for trial in self.trials]}
        write_file(self.path, to_json(facts, indent=2) + "\n")


def grid(space: Mapping[str, Choice]) -> list[dict[str, Value]]:
    """Returns all combinations of the values of a space, the last setting changing first.

    Example:
        >>> grid({"a": Choice((1, 2)), "b": Choice(("x", "y"))})
        [{'a': 1, 'b': 'x'}, {'a': 1, 'b': 'y'}, {'a': 2, 'b': 'x'}, {'a': 2, 'b': 'y'}]
    """
    found: list[dict[str, Value]] = [{}]
    for name, choice in space.items():
        found = [{**values, name: value} for values in found for value in choice.values]
    return found


def _trial(fields: dict[str, Any]) -> Trial:
    """Makes a trial of what JSON has, where what is no number is null."""
    scores = [math.nan if score is None else float(score) for score in fields["scores"]]
    return Trial(**{**fields, "scores": scores})


def _score(trial: Trial) -> float:
    assert trial.score is not None
    return trial.score


def _listed(values: Sequence[Any]) -> list[Any]:
    return [list(value) if isinstance(value, tuple) else value for value in values]
