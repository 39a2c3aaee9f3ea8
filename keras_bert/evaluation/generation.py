"""Scores of written texts as the field's libraries compute them: sacrebleu's BLEU and chrF, rouge-score's ROUGE."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from keras_bert.errors import InputError
from keras_bert.evaluation.extras import import_extra

TOKENIZERS = ("13a", "intl", "zh", "char", "none")
"""How sacrebleu may cut texts for BLEU without further packages: 13a is that of WMT, zh sets ideographs apart."""

# Written without blanks: Chinese ideographs and Japanese kana. Each is a word to ROUGE and to the first words.
_IDEOGRAPH = re.compile("[\u3005\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f]")
_UNIT = re.compile(f"{_IDEOGRAPH.pattern}|(?:(?!{_IDEOGRAPH.pattern})\\S)+")


def generation_scores(
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
    bleu_tokenize: str | None = None,
    lowercase: bool = False,
) -> dict[str, float]:
    """Scores texts against one or more references each.

    Args:
        predictions: What was written.
        references: The right texts of each, at least one.
        bleu_tokenize: One of `TOKENIZERS`; None: `zh` where most letters of the references are ideographs, else `13a`.
        lowercase: Compare without case.

    Returns:
        `bleu` and `chrf` of the corpus, 0 to 100; `rouge_1`, `rouge_2` and `rouge_l`, means over the texts of the F1
        with the best reference, 0 to 100, without stemming; `exact_match`, the share of texts that are one of their
        references but for blanks, 0 to 1.

    Raises:
        InputError: sacrebleu or rouge-score is not installed; there is no text, or one without a reference.

    Example:
        >>> round(generation_scores(["the cat sat on the mat"], [["the cat sat on a mat"]])["rouge_l"], 1)
        83.3

    References:
        Post 2018, arXiv:1804.08771 (sacrebleu); Popović 2015, aclanthology.org/W15-3049 (chrF); Lin 2004,
        aclanthology.org/W04-1013 (ROUGE).
    """
    _check(predictions, references)
    streams = _streams(references)
    metrics = _metrics(references, bleu_tokenize, lowercase)
    scores = {name: float(metric.corpus_score(list(predictions), streams).score) for name, metric in metrics.items()}
    names = {"rouge1": "rouge_1", "rouge2": "rouge_2", "rougeL": "rouge_l"}
    scorer = import_extra("rouge_score.rouge_scorer", "generate").RougeScorer(list(names), tokenizer=_RougeWords())
    sums = dict.fromkeys(names.values(), 0.0)
    exact = 0
    for written, right in zip(predictions, references, strict=True):
        found = scorer.score_multi(right, written)
        for key, name in names.items():
            sums[name] += 100.0 * found[key].fmeasure
        exact += _plain(written, lowercase) in {_plain(one, lowercase) for one in right}
    means = {name: value / len(predictions) for name, value in sums.items()}
    return {**scores, **means, "exact_match": exact / len(predictions)}


def score_signatures(
    references: Sequence[Sequence[str]], bleu_tokenize: str | None = None, lowercase: bool = False
) -> dict[str, str]:
    """Returns sacrebleu's signatures, which say how `bleu` and `chrf` of `generation_scores` were counted.

    Example:
        >>> sorted(score_signatures([["the cat sat on a mat"]]))
        ['bleu', 'chrf']
    """
    signatures = {}
    for name, metric in _metrics(references, bleu_tokenize, lowercase).items():
        metric.corpus_score([""] * len(references), _streams(references))  # counts the references
        signatures[name] = str(metric.get_signature())
    return signatures


def baseline_scores(
    sources: Sequence[str],
    references: Sequence[Sequence[str]],
    bleu_tokenize: str | None = None,
    lowercase: bool = False,
) -> dict[str, dict[str, float]]:
    """Scores what takes no model: the source itself, and its first words, as many as a reference has on average.

    Args:
        sources: The texts that were to be read.
        references: As for `generation_scores`, like the rest.
        bleu_tokenize: How BLEU cuts texts.
        lowercase: Compare without case.

    Returns:
        `copy` and `first_words`, each with the scores of `generation_scores`; `first_words` with `words`, how many.

    Example:
        >>> scores = baseline_scores(["the cat sat on the mat today"], [["the cat sat"]])
        >>> scores["first_words"]["words"], round(scores["first_words"]["rouge_l"], 1)
        (3, 100.0)
    """
    counts = [len(_UNIT.findall(one)) for right in references for one in right]
    words = max(round(sum(counts) / max(len(counts), 1)), 1)
    beginnings = [first_words(source, words) for source in sources]
    return {
        "copy": generation_scores(sources, references, bleu_tokenize, lowercase),
        "first_words": {"words": words, **generation_scores(beginnings, references, bleu_tokenize, lowercase)},
    }


def first_words(text: str, count: int) -> str:
    """Returns the beginning of a text: so many words between blanks, where an ideograph is a word.

    Example:
        >>> first_words("a dog  runs", 2), first_words("一只狗在跑", 2)
        ('a dog', '一只')
    """
    units = list(_UNIT.finditer(text))[:count]
    return text[units[0].start() : units[-1].end()] if units else ""


def tokenizer_for(references: Sequence[Sequence[str]]) -> str:
    """Returns how BLEU cuts such texts unless it is told: `zh` where most letters are ideographs, else `13a`."""
    text = "".join(one for right in references for one in right)
    letters = sum(map(str.isalpha, text))
    return "zh" if 2 * len(_IDEOGRAPH.findall(text)) > letters else "13a"


class _RougeWords:
    """Cuts texts for ROUGE: into words of letters and digits, in lower case, an ideograph each by itself.

    For texts of ASCII these are rouge-score's own, which would take `ä` for a blank and drop Chinese altogether.
    """

    def tokenize(self, text: str) -> list[str]:
        kept = (
            f" {sign} " if _IDEOGRAPH.match(sign) else sign if unicodedata.category(sign)[0] in "LMN" else " "
            for sign in unicodedata.normalize("NFC", text.lower())
        )
        return "".join(kept).split()


def _metrics(references: Sequence[Sequence[str]], bleu_tokenize: str | None, lowercase: bool) -> dict[str, Any]:
    metrics = import_extra("sacrebleu.metrics", "generate")
    tokenize = bleu_tokenize or tokenizer_for(references)
    if tokenize not in TOKENIZERS:
        raise InputError(f"bleu_tokenize is {tokenize!r}; it must be one of {', '.join(TOKENIZERS)}")
    # `force`: texts that look tokenized are not worth a warning a run.
    return {
        "bleu": metrics.BLEU(tokenize=tokenize, lowercase=lowercase, force=True),
        "chrf": metrics.CHRF(lowercase=lowercase),
    }


def _streams(references: Sequence[Sequence[str]]) -> list[list[str | None]]:
    """Turns references by text into lists of a reference for each text, None where a text has fewer."""
    most = max(map(len, references))
    return [[right[place] if place < len(right) else None for right in references] for place in range(most)]


def _check(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> None:
    if not predictions or len(predictions) != len(references):
        raise InputError(f"{len(predictions)} texts and references of {len(references)}; expected as many, and a text")
    if not all(references):
        raise InputError("a text without a reference cannot be scored")


def _plain(text: str, lowercase: bool) -> str:
    text = " ".join(text.split())
    return text.lower() if lowercase else text
