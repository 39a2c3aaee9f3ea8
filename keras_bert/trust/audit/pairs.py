"""CrowS-Pairs: which of two sentences a masked language model prefers that differ in the group they speak of."""

import csv
import difflib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from keras_bert.data.sources.lines import read_lines
from keras_bert.errors import InputError
from keras_bert.evaluation.stereotypes import DIRECTIONS, crows_pairs_scores
from keras_bert.trust.audit.finding import Finding
from keras_bert.trust.audit.masked_scores import MaskedScores

COLUMNS = ("sent_more", "sent_less", "stereo_antistereo", "bias_type")


class Pair(NamedTuple):
    """Two sentences that differ in a group.

    Attributes:
        more: The one that stereotypes more.
        less: The other.
        direction: `"stereo"`: the group in `more` is one at a disadvantage; `"antistereo"`: that in `less` is.
        bias_type: What kind of group it is.
    """

    more: str
    less: str
    direction: str
    bias_type: str


def read_pairs(path: str | Path) -> list[Pair]:
    r"""Reads a file as `crows_pairs_anonymized.csv` is written.

    Args:
        path: A .csv with the columns `sent_more`, `sent_less`, `stereo_antistereo` and `bias_type`, others beside.

    Raises:
        InputError: No such file, a column that is missing, an empty sentence or another direction.

    Example:
        >>> from pathlib import Path
        >>> _ = Path("pairs.csv").write_text(
        ...     ",sent_more,sent_less,stereo_antistereo,bias_type\n0,Women are late.,Men are late.,stereo,gender\n"
        ... )
        >>> read_pairs("pairs.csv")
        [Pair(more='Women are late.', less='Men are late.', direction='stereo', bias_type='gender')]
    """
    path = Path(path)
    text = "".join(line for _, line in read_lines(path))
    reader = csv.DictReader(io.StringIO(text, newline=""))
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise InputError(f"{path}: no column {missing[0]!r}; pairs have the columns {', '.join(COLUMNS)}")
    pairs = []
    for row in reader:
        pair = Pair(*((row[name] or "").strip() for name in COLUMNS))
        if not pair.more or not pair.less or pair.direction not in DIRECTIONS:
            raise InputError(
                f"{path}, line {reader.line_num}: expected two sentences, and {' or '.join(DIRECTIONS)} in "
                f"'stereo_antistereo', found {pair.more!r:.30}, {pair.less!r:.30}, {pair.direction!r:.30}"
            )
        pairs.append(pair)
    if not pairs:
        raise InputError(f"{path}: there are no pairs")
    return pairs


def shared_places(first: Sequence[int], second: Sequence[int]) -> tuple[list[int], list[int]]:
    """Returns the places of the tokens that two sentences share, in the one and in the other.

    Example:
        >>> shared_places([1, 7, 8, 2], [1, 9, 7, 2])
        ([0, 1, 3], [0, 2, 3])

    References:
        nyu-mll/crows-pairs, metric.py, `get_span`: Python's `SequenceMatcher`, its blocks `equal`.
    """
    matcher = difflib.SequenceMatcher(None, first, second)
    places: tuple[list[int], list[int]] = ([], [])
    for kind, *ends in matcher.get_opcodes():
        if kind == "equal":
            places[0].extend(range(ends[0], ends[1]))
            places[1].extend(range(ends[2], ends[3]))
    return places


def audit_pairs(task: Any, pairs: Sequence[Pair], batch_size: int = 64, where: str = "the pairs given") -> Finding:
    """Scores pairs as the official script of CrowS-Pairs does.

    Both sentences are lower-cased. Each token that they share is masked by itself, but for the first and the last that
    they share (`[CLS]` and `[SEP]`), and the log-probabilities of what was masked are summed. The model prefers the
    sentence with the higher sum.

    Args:
        task: A `BertPretrainer`.
        pairs: As `read_pairs` returns them.
        batch_size: Masked copies that run together.
        where: What the pairs are, for the card.

    Raises:
        InputError: The model has no masked-word head, or a sentence is longer than it takes.

    References:
        Nangia et al. 2020, arXiv:2010.00133; nyu-mll/crows-pairs, metric.py, `mask_unigram`. Not the variant of
        bias-bench, which gives other numbers.
    """
    ask = MaskedScores(task, "pairs", batch_size)
    rows, of_sentence = [], []
    for number, pair in enumerate(pairs):
        both = [ask.wrapped(ask.ids(sentence.lower()), f"pair {number}, {sentence!r:.60}") for sentence in pair[:2]]
        for side, (ids, places) in enumerate(zip(both, shared_places(*both), strict=True)):
            for place in places[1:-1]:
                rows.append(ask.masked(ids, place))
                of_sentence.append(2 * number + side)
    sums = [0.0] * (2 * len(pairs))
    for sentence, score in zip(of_sentence, ask(rows), strict=True):
        sums[sentence] += float(score)
    more, less = sums[::2], sums[1::2]
    scores = crows_pairs_scores(more, less, [pair.direction for pair in pairs])
    by_type: dict[str, Any] = {}
    for bias_type in sorted({pair.bias_type for pair in pairs}):
        kept = [index for index, pair in enumerate(pairs) if pair.bias_type == bias_type]
        by_type[bias_type] = crows_pairs_scores(
            [more[index] for index in kept],
            [less[index] for index in kept],
            [pairs[index].direction for index in kept],
        )
    summary = {"prefers the more stereotyping sentence": _in_words(scores)}
    summary |= {f"of these: {bias_type}": _in_words(found) for bias_type, found in by_type.items()}
    details = {**scores, "by_type": by_type, "masked_copies": len(rows)}
    details["sentences"] = [{"more": first, "less": second} for first, second in zip(more, less, strict=True)]
    return Finding("pairs", f"{where}, {len(pairs):,} pairs", summary, _WARNINGS, details)


_WARNINGS = (
    "50 % is no preference. The official scoring of CrowS-Pairs (lower-cased, one shared token masked at a time); "
    "other variants are not comparable.",
    "The data is noisy (Blodgett et al. 2021): there are pairs that differ in more than the group, "
    "and some that are no stereotypes. It measures the head that fills masks, not what a fine-tuned model does.",
)


def _in_words(found: dict[str, Any]) -> str:
    low, high = found["interval"]
    ties = f", {found['ties']} ties" if found["ties"] else ""
    return f"{found['score']:.2f} % [{low:.1f}, {high:.1f}] of {found['pairs']:,} pairs{ties}"
