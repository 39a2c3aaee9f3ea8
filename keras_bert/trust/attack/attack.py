"""Attacking a classifier on labelled rows: how many right answers survive small changes of the text."""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from os import PathLike
from typing import Any

from keras_bert.data.memory.given_rows import given_rows
from keras_bert.data.sources.tensors import labels_in_memory
from keras_bert.errors import InputError
from keras_bert.trust.attack.constraints import MAX_SHARE, QUERIES, Constraints
from keras_bert.trust.attack.kinds import make_proposer
from keras_bert.trust.attack.proposer import Proposer
from keras_bert.trust.attack.report import AttackReport
from keras_bert.trust.attack.search_together import search_together
from keras_bert.trust.attack.sentence import Sentence, Texts, words_of
from keras_bert.trust.attack.similarity import SentenceSimilarity
from keras_bert.trust.attack.stop_words import STOP_WORDS
from keras_bert.trust.attack.victim import Victim
from keras_bert.trust.attack.word_order import order_named
from keras_bert.trust.attack.word_search import WordSearch
from keras_bert.trust.attack.words import entity_markers, find_words

_AT_A_TIME = 1024


def attack(
    model: Any,
    rows: Any,
    kind: str = "typos",
    *,
    synonyms: Mapping[str, Sequence[str]] | str | PathLike[str] | None = None,
    filler: Any = None,
    order: str = "delete",
    fields: Sequence[str] | None = None,
    stop_words: Collection[str] = STOP_WORDS,
    max_share: float = MAX_SHARE,
    embedder: Any = None,
    similarity: float | None = None,
    queries: int = QUERIES,
    limit: int | None = None,
    seed: int = 0,
    batch_size: int = 32,
) -> AttackReport:
    r"""Looks for small changes of texts after which a classifier answers another class.

    Rows that are answered wrong are skipped. In each other one, words are changed one after the other, the most
    important first, until the answer is wrong or nothing is left to try, see `WordSearch`.

    Args:
        model: A `BertClassifier` with one label a row, of texts or of pairs.
        rows: Labelled rows, as `evaluate_rows` takes them.
        kind: `"typos"`, `"homoglyphs"`, `"synonyms"` or `"masked_words"`.
        synonyms: For `"synonyms"`: word → words, or a file, see `Synonyms.from_file`. There is no list by default:
            which words mean the same is for you to say.
        filler: For `"masked_words"`: a `BertPretrainer`, which proposes what may stand in a word's place.
        order: What stands in a word's place while its importance is measured: `"delete"`, nothing, or `"unk"`, `[UNK]`.
        fields: Which texts of a pair are changed, such as `["text_pair"]`; None: all.
        stop_words: Words that stay as they are, `()` for none; by default English and Chinese function words.
        max_share: Share of the words of a row that may be changed, above 0.
        embedder: A `BertEmbedder` by which sentences are compared; with `similarity`.
        similarity: Cosine that an attacked text has with the caller's at least.
        queries: Texts that the model may be asked for one row.
        limit: Attack so many rows, the first; None: all.
        seed: Of the typing errors.
        batch_size: Texts a batch.

    Returns:
        The numbers and the sentences.

    Raises:
        InputError: The model is no such classifier, the rows have no labels or there are none, or an argument is out
            of its range or lacks another one.

    Example:
        >>> model = keras_bert.BertClassifier.from_preset("minilm", labels=["no", "yes"])
        >>> rows = keras_bert.data.rows([{"text": "a gripping film", "label": "yes"}, {"text": "dull", "label": "no"}])
        >>> report = attack(model, rows, kind="typos", queries=20)
        >>> report.summary()["rows"], report.summary()["kind"]
        (2, 'typos')
        >>> print(*report.shown(), sep="\n")  # doctest: +SKIP
    """
    victim = Victim(model, batch_size)
    changed = _changed_fields(victim.fields, fields)
    constraints = Constraints(stop_words, max_share, queries)
    without = order_named(order)
    if (embedder is None) != (similarity is None):
        missing = "embedder=, a BertEmbedder" if embedder is None else "similarity=, the least cosine"
        raise InputError(f"sentences are compared by an embedder and a least cosine; say {missing} too")
    compared = None if similarity is None else SentenceSimilarity(embedder, similarity, batch_size)
    if limit is not None and limit < 1:
        raise InputError(f"limit {limit}: expected 1 or more rows")
    proposer = make_proposer(kind, synonyms, filler, seed, batch_size)

    start = time.perf_counter()
    searches = (
        WordSearch(
            number, sentence, label, victim.labels, without, constraints, None if compared is None else compared.least
        )
        for number, (sentence, label) in enumerate(_sentences(model, rows, limit, changed, proposer))
    )
    found = sorted(search_together(searches, victim, proposer, compared), key=lambda row: row.row)
    if not found:
        raise InputError("there are no rows to attack")
    settings = {
        "kind": kind,
        "order": order,
        "max_share": max_share,
        "max_queries": queries,
        "similarity": similarity,
        "seed": seed,
    }
    return AttackReport(found, time.perf_counter() - start, settings)


def _changed_fields(fields: tuple[str, ...], chosen: Sequence[str] | None) -> list[int]:
    """Returns the numbers of the texts that may be changed."""
    if isinstance(chosen, str):
        chosen = [chosen]
    for name in chosen or ():
        if name not in fields:
            raise InputError(f"fields: {name!r} is none of the texts of a row, {', '.join(fields)}")
    return [at for at, name in enumerate(fields) if not chosen or name in chosen]


def _sentences(
    model: Any, rows: Any, limit: int | None, changed: Sequence[int], proposer: Proposer
) -> Iterator[tuple[Sentence, int]]:
    """Yields the rows with the numbers of their classes."""
    protected = entity_markers() if model.pooling == "markers" else None
    for texts, label in _labelled_texts(model, rows, limit):
        spans = {at: find_words(texts[at], proposer.phrases, protected) for at in changed}
        yield Sentence(model.text_fields, texts, words_of(texts, spans)), label


def _labelled_texts(model: Any, rows: Any, limit: int | None) -> Iterator[tuple[Texts, int]]:
    dataset = given_rows(rows, model.row_fields)
    spec = dataset.element_spec
    for name in (*model.text_fields, "label"):
        if name not in spec:
            raise InputError(
                f"the rows have no {name}; an attack is on labelled rows of {', '.join(model.text_fields)}"
            )
    if "text_pair" in spec and len(model.text_fields) == 1:
        raise InputError("the model takes one text, the rows have pairs")
    column = labels_in_memory(dataset)
    if column is not None:
        model.check_labels(column)
    if limit is not None:
        dataset = dataset.take(limit)
    for batch in dataset.ragged_batch(_AT_A_TIME):
        labels = model.targets(batch["label"])[0].numpy()
        columns = [batch[name].numpy() for name in model.text_fields]
        for index, label in enumerate(labels):
            yield tuple(column[index].decode("utf-8") for column in columns), int(label)
