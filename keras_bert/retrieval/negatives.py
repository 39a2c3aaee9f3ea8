"""Passages that look right and are not: hard negatives for embedders and rerankers, found by their words."""

import random
from collections.abc import Callable, Iterator, Sequence

from keras_bert.errors import InputError
from keras_bert.retrieval.index import Index
from keras_bert.retrieval.searching.words import Words
from keras_bert.text.token_layer import TokenLayer

Search = Callable[[Sequence[str], int], list[list[str]]]

_QUERIES = 256  # searched at once
_TEXTS = 8192  # tokenized at once


def search_texts(texts: Sequence[str], tokenizer: TokenLayer) -> Search:
    """Returns what finds the texts that fit queries best, BM25 over the pieces of a tokenizer.

    Args:
        texts: What is searched.
        tokenizer: Cuts texts and queries.

    Raises:
        InputError: bm25s is not installed.
    """

    def ids_of(part: Sequence[str]) -> list:
        return [ids.numpy() for ids in tokenizer(list(part))]

    ids = [each for start in range(0, len(texts), _TEXTS) for each in ids_of(texts[start : start + _TEXTS])]
    words = Words.build(ids, tokenizer.vocabulary_size)

    def search(queries: Sequence[str], k: int) -> list[list[str]]:
        return [[texts[number] for number in numbers] for _, numbers in words.search(ids_of(queries), k)]

    return search


def search_index(index: Index) -> Search:
    """Returns what finds the passages of an index that fit queries best, by their words."""

    def search(queries: Sequence[str], k: int) -> list[list[str]]:
        return [[found.passage.text for found in each] for each in index.search(list(queries), k, method="words")]

    return search


def mine_negatives(
    search: Search,
    queries: Sequence[str],
    positives: Sequence[str],
    answers: Sequence[Sequence[str]] | None = None,
    *,
    count: int = 1,
    skip: int = 0,
    depth: int = 50,
    others: Sequence[str] = (),
    seed: int = 0,
) -> Iterator[list[str]]:
    """Finds for each pair of a query and a right passage passages that fit the query and are not right.

    Left out are the right passages of all pairs with the same query, what holds one of them or stands in one, what
    holds an answer, and what was taken already; white space and case make no difference. Where too few are left, random
    ones of `others` fill up.

    Args:
        search: Finds passages, see `search_texts` and `search_index`.
        queries: Of each pair.
        positives: The right passage of each.
        answers: Of each pair what a right passage holds, such as the answer to a question; None or empty: nothing.
        count: Negatives a pair.
        skip: Of what is found the first so many are passed over: right passages that nobody marked stand there.
        depth: How many found passages are looked at, those passed over included.
        others: What random negatives are drawn from.
        seed: Of these.

    Yields:
        For each pair the negatives, the best found first; fewer than `count` where there are no others.

    Raises:
        InputError: Numbers out of their range, or lists of unlike length.

    Example:
        >>> passages = ["Graz lies on the Mur.", "Linz lies on the Danube.", "The Mur is a river."]
        >>> find = lambda queries, k: [passages[:k] for _ in queries]
        >>> list(mine_negatives(find, ["Where does Graz lie?"], passages[:1], count=2))
        [['Linz lies on the Danube.', 'The Mur is a river.']]

    References:
        Karpukhin et al. 2020, Dense Passage Retrieval, arXiv:2004.04906, section 3.2: BM25 passages that do not contain
        the answer.
    """
    if count < 1 or skip < 0 or depth <= skip:
        raise InputError(f"count is {count}, skip {skip}, depth {depth}; expected count 1 or more, and depth over skip")
    answers = [[] for _ in queries] if answers is None else answers
    if not len(queries) == len(positives) == len(answers):
        raise InputError(f"{len(queries)} queries, {len(positives)} right passages, {len(answers)} lists of answers")
    right: dict[str, list[str]] = {}
    for query, positive in zip(queries, positives, strict=True):
        right.setdefault(_plain(query), []).append(_plain(positive))
    generator = random.Random(seed)
    for start in range(0, len(queries), _QUERIES):
        part = range(start, min(start + _QUERIES, len(queries)))
        found = search([queries[place] for place in part], depth)
        for place, passages in zip(part, found, strict=True):
            wrong = _Wrong(right[_plain(queries[place])], answers[place])
            chosen = wrong.first(passages[skip:], count)
            if len(chosen) < count and others:
                drawn = (generator.choice(others) for _ in range(20 * count))
                chosen += wrong.first(drawn, count - len(chosen))
            yield chosen


class _Wrong:
    """Tells which passages are not right, and takes each once."""

    def __init__(self, right: Sequence[str], answers: Sequence[str]) -> None:
        self._right = right
        self._answers = [answer for answer in map(_plain, answers) if answer]
        self._taken: set[str] = set()

    def first(self, passages: Iterator[str] | Sequence[str], count: int) -> list[str]:
        """Returns the first passages that are wrong."""
        chosen: list[str] = []
        for passage in passages:
            if len(chosen) == count:
                break
            plain = _plain(passage)
            if plain in self._taken or not plain or self._is_right(plain):
                continue
            self._taken.add(plain)
            chosen.append(passage)
        return chosen

    def _is_right(self, plain: str) -> bool:
        return any(plain in right or right in plain for right in self._right) or any(
            answer in plain for answer in self._answers
        )


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
