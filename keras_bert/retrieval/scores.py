"""How well an index finds what belongs to questions, and how well a reader answers out of it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from keras_bert.errors import InputError
from keras_bert.evaluation.extras import import_extra
from keras_bert.evaluation.squad import squad_scores
from keras_bert.tasks import BertQuestionAnswerer

if TYPE_CHECKING:
    from keras_bert.retrieval.index import Index

KS = (1, 5, 10, 20)
"""Places for recall."""


def search_scores(index: "Index", questions: Sequence[str], texts: Sequence[str], **search: Any) -> dict[str, float]:
    """Scores the order in which an index gives the passages of the texts that belong to questions.

    A passage belongs to a question if it is a part of the question's text, or the other way round; white space at their
    ends does not count. A question whose text is nowhere in the index has nothing to be found, and scores 0.

    Args:
        index: The index.
        questions: What is asked.
        texts: For each question the text in which its answer stands.
        **search: `method`, `reranker`, `candidates`, `label`, `fusion`, as of `Index.search`.

    Returns:
        `recall_at_1`, ... (share of a question's passages among the first k), `success_at_1`, ... (one of them is),
        `mrr` and `ndcg_at_10` of the first 100, means over the questions, by ir-measures; `missing`, the share of
        questions whose text is not in the index.

    Raises:
        InputError: ir-measures is not installed, there is no question, or as `Index.search`.

    References:
        MacAvaney, Macdonald and Ounis 2022, arXiv:2111.13466 (ir-measures).
    """
    if not questions or len(questions) != len(texts):
        raise InputError(f"{len(questions)} questions and {len(texts)} texts; expected as many, at least 1")
    measures = import_extra("ir_measures", "search")
    wanted = _belonging(index, texts)
    found = index.search(list(questions), k=100, **search)
    names: dict[str, Any] = {f"recall_at_{k}": measures.R @ k for k in KS}
    names |= {f"success_at_{k}": measures.Success @ k for k in KS}
    names |= {"mrr": measures.RR @ 100, "ndcg_at_10": measures.nDCG @ 10}
    qrels = [measures.Qrel(str(q), str(n), 1) for q, numbers in enumerate(wanted) for n in numbers]
    # By place: what scores alike stays in the order of the index.
    run = [
        measures.ScoredDoc(str(q), str(each.number), float(-place))
        for q, row in enumerate(found)
        for place, each in enumerate(row)
    ]
    sums = dict.fromkeys(names, 0.0)
    by_measure = {measure: name for name, measure in names.items()}
    for value in measures.iter_calc(list(by_measure), qrels, run) if qrels and run else ():
        sums[by_measure[value.measure]] += float(value.value)
    missing = sum(not numbers for numbers in wanted) / len(questions)
    return {**{name: total / len(questions) for name, total in sums.items()}, "missing": missing}


def answer_scores(
    index: "Index", reader: BertQuestionAnswerer, rows: Sequence[Mapping[str, Any]], **options: Any
) -> dict[str, float]:
    """Scores answers out of an index beside those of the same reader with the right text given.

    Args:
        index: The index.
        reader: The reader.
        rows: Dicts of `question`, `context` and `answers` (list of strings).
        **options: Those of `Index.ask`.

    Returns:
        `exact_match` and `f1` out of the index, `given_exact_match` and `given_f1` with the text given, 0 to 1, as
        SQuAD counts, and `share_of_given_f1`.

    Raises:
        InputError: As `Index.ask`.
    """
    questions, answers = [row["question"] for row in rows], [list(row["answers"]) for row in rows]
    found = index.ask(questions, reader, **{**options, "top_k": 1})
    given = reader.answer([{name: row[name] for name in ("question", "context")} for row in rows])
    own = squad_scores([row[0]["answer"] if row else "" for row in found], answers, scoring=reader.scoring)
    best = squad_scores([answer["answer"] for answer in given], answers, scoring=reader.scoring)
    return {
        "exact_match": own["exact_match"],
        "f1": own["f1"],
        "given_exact_match": best["exact_match"],
        "given_f1": best["f1"],
        "share_of_given_f1": own["f1"] / best["f1"] if best["f1"] else 0.0,
    }


def _belonging(index: "Index", texts: Sequence[str]) -> list[list[int]]:
    """Finds the passages of each text: those within it, or around it."""
    stripped = [text.strip() for text in texts]
    numbers: dict[str, list[int]] = {}
    for number in range(len(index.passages)):
        numbers.setdefault(index.passages[number].text.strip(), []).append(number)
    known: dict[str, list[int]] = {}
    for text in dict.fromkeys(stripped):
        own = numbers.get(text)
        near = (those for passage, those in numbers.items() if passage in text or text in passage)
        known[text] = own or [number for those in near for number in those]
    return [sorted(known[text]) for text in stripped]
