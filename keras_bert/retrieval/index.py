"""An index of documents: passages found by their words, by their meaning, or both."""

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
from absl import logging

from keras_bert.errors import InputError
from keras_bert.files import atomic_folder, check_target
from keras_bert.retrieval.asking.ask import ask
from keras_bert.retrieval.documents.found_files import matches
from keras_bert.retrieval.make import Paths, write_changed, write_new
from keras_bert.retrieval.passages.passage import Found
from keras_bert.retrieval.searching.fusion import FUSIONS, reciprocal_rank_fusion, score_fusion
from keras_bert.retrieval.searching.meaning import Meaning
from keras_bert.retrieval.searching.rerank import pair_scores
from keras_bert.retrieval.storage.passage_store import PassageStore
from keras_bert.retrieval.storage.snapshot import Snapshot, identity_of
from keras_bert.retrieval.storage.write import alone
from keras_bert.tasks import BertClassifier, BertEmbedder, BertQuestionAnswerer, BertRegressor
from keras_bert.text.token_layer import TokenLayer

METHODS = ("words", "meaning", "both")
MAX_TOKENS, OVERLAP = 200, 40
"""Tokens of a passage at most, and of what it repeats of the one before it, unless others are asked for."""

_FUSED = 100  # passages of each order that are made one, at least


class Index:
    r"""Documents cut into passages, in a folder, to be searched; `build` makes one, `open` opens it.

    Any number of threads may search one index, and others may change it meanwhile: a search sees it as it was before
    or as it is afterwards. Another process that has it open goes on with what it opened.

    Args:
        folder: Where it lies.
        snapshot: What lies there.
        meaning: The embedder of its vectors.

    Example:
        >>> from pathlib import Path
        >>> _ = Path("notes.md").write_text("# Passages\n\nThey are cut at headings.\n")
        >>> index = Index.build("notes_index", ["notes.md"], embedder="minilm")
        >>> index.search("how are passages cut?", k=1)[0].passage.title
        'Passages'
    """

    def __init__(self, folder: str | Path, snapshot: Snapshot, meaning: Meaning | None) -> None:
        self.folder = Path(folder)
        self._snapshot = snapshot
        self._meaning = meaning
        self._changing = threading.Lock()

    # -- making, opening, changing ---------------------------------------------------------------------------

    @classmethod
    def build(
        cls,
        folder: str | Path,
        paths: Paths,
        embedder: BertEmbedder | str | Path | None = "minilm",
        *,
        tokenizer: TokenLayer | None = None,
        max_tokens: int | None = None,
        overlap: int | None = None,
        text: str = "text",
        title: str = "title",
        overwrite: bool = False,
        processes: int = 1,
    ) -> "Index":
        """Makes an index of documents, whole or not at all.

        Args:
            folder: Where to write it.
            paths: Files, folders, patterns, see `read_documents`.
            embedder: Makes the vectors: an embedder, a folder with one, `minilm` or another handle; None: an index of
                words alone.
            tokenizer: Cuts texts into pieces where there is no embedder; None takes that of `minilm`.
            max_tokens: Tokens of a passage at most; None: 200, or what the embedder reads if that is less.
            overlap: Tokens at most that a passage repeats of the one before it, in whole sentences; None: a fifth of
                `max_tokens`.
            text: Column of rows that holds the text.
            title: Column of rows that holds a title, where there is one.
            overwrite: Replace a folder that holds something.
            processes: How many embed the passages, each with the embedder, which is then named by folder or handle.

        Raises:
            InputError: As `read_documents`; the folder holds something; impossible numbers; a package is missing.
        """
        check_target(folder, overwrite)
        meaning = None if embedder is None else Meaning(embedder, processes=processes)
        if meaning is not None and tokenizer is not None:
            raise InputError("the passages are cut by the embedder's own tokenizer; leave out tokenizer=")
        longest = None if meaning is None else _longest(meaning.embedder)
        if longest is not None and max_tokens is not None and max_tokens > longest:
            raise InputError(f"max_tokens is {max_tokens}; the embedder reads {longest} tokens beside its special ones")
        most = min(MAX_TOKENS, longest or MAX_TOKENS) if max_tokens is None else max_tokens
        pieces = meaning.embedder.tokenizer if meaning else tokenizer or TokenLayer.from_preset("minilm")
        settings = {
            "max_tokens": most,
            "overlap": most * OVERLAP // MAX_TOKENS if overlap is None else overlap,
            "text": text,
            "title": title,
        }
        with atomic_folder(folder, overwrite) as temporary:
            write_new(temporary, paths, pieces, meaning, settings)
        return cls(folder, Snapshot.open(folder), meaning)

    @classmethod
    def open(cls, folder: str | Path, embedder: BertEmbedder | str | Path | None = None, processes: int = 1) -> "Index":
        """Opens an index; its embedder is opened when it is first needed.

        Args:
            folder: Where it lies.
            embedder: The embedder that made its vectors; None: the one that it names, if that is `minilm` or a folder
                here. No model is fetched because an index names it.
            processes: As for `build`, when documents are added.

        Raises:
            InputError: There is none, or it is damaged.
        """
        snapshot = Snapshot.open(folder)
        made = snapshot.manifest["model"]
        if made is None and embedder is not None:
            raise InputError(f"{folder}: an index of words alone; leave out the embedder, or index the documents again")
        return cls(folder, snapshot, None if made is None else Meaning(embedder, made, processes))

    def add(self, paths: Paths) -> None:
        """Adds documents; a file that is in the index already is replaced if it has changed.

        Vectors of what did not change are kept, and the graph of them is extended; the words are counted anew, in
        seconds. The folder changes at the end, whole or not at all.

        Args:
            paths: Files, folders, patterns, see `read_documents`.

        Raises:
            InputError: As `read_documents`, or the index is gone.
        """
        self._change(paths, [])

    def remove(self, paths: Paths) -> None:
        """Takes documents out of the index, by their paths, the folders above them, or patterns.

        Args:
            paths: As for `add`; the files need not exist any more.

        Raises:
            InputError: The index holds nothing of that name, or nothing would be left.
        """
        self._change(None, [paths] if isinstance(paths, str | os.PathLike) else list(paths))

    def _change(self, paths: Paths | None, removed: Sequence[str | os.PathLike]) -> None:
        with self._changing, alone(self.folder):
            before = Snapshot.open(self.folder)
            gone: set[str] = set()
            for pattern in removed:
                found = {entry["file"] for entry in before.files if matches(entry["file"], pattern)}
                if not found:
                    raise InputError(f"{pattern}: the index holds no file of that name")
                gone |= found
            try:
                with atomic_folder(self.folder, overwrite=True) as temporary:
                    if not write_changed(temporary, before, paths, gone, self._meaning):
                        raise _NothingNewError
                    if identity_of(self.folder) != before.manifest["id"]:
                        raise InputError(f"{self.folder}: another program has put a new index there; change that one")
            except _NothingNewError:
                logging.info("%s: nothing has changed", self.folder)
            self._snapshot = Snapshot.open(self.folder)

    # -- what is there ---------------------------------------------------------------------------------------

    @property
    def passages(self) -> PassageStore:
        """The passages by their numbers, which are those of `Found.number`."""
        return self._snapshot.passages

    @property
    def files(self) -> list[str]:
        """The files of its documents, absolute paths."""
        return [entry["file"] for entry in self._snapshot.files]

    @property
    def problems(self) -> dict[str, str]:
        """Files that were found and could not be read: path → why."""
        return dict(self._snapshot.manifest["problems"])

    @property
    def has_vectors(self) -> bool:
        """Whether it can be searched by meaning."""
        return self._snapshot.near is not None

    def missing(self) -> list[str]:
        """Gives the files that are in the index and no longer on the disk; `remove` takes them out."""
        return [file for file in self.files if not Path(file).exists()]

    # -- searching -------------------------------------------------------------------------------------------

    @overload
    def search(
        self,
        query: str,
        k: int = ...,
        method: str | None = ...,
        reranker: BertClassifier | BertRegressor | None = ...,
        candidates: int = ...,
        label: str | None = ...,
        fusion: str = ...,
    ) -> list[Found]: ...
    @overload
    def search(
        self,
        query: list[str] | tuple[str, ...],
        k: int = ...,
        method: str | None = ...,
        reranker: BertClassifier | BertRegressor | None = ...,
        candidates: int = ...,
        label: str | None = ...,
        fusion: str = ...,
    ) -> list[list[Found]]: ...
    def search(
        self,
        query: str | list[str] | tuple[str, ...],
        k: int = 5,
        method: str | None = None,
        reranker: BertClassifier | BertRegressor | None = None,
        candidates: int = 100,
        label: str | None = None,
        fusion: str = "scores",
    ) -> list[Found] | list[list[Found]]:
        """Finds passages.

        Args:
            query: A question, or several.
            k: Passages a query; fewer where fewer fit.
            method: `"words"` (BM25), `"meaning"` (vectors), `"both"`; None: `"both"` where there are vectors.
            reranker: A model on pairs that puts the first `candidates` in a new order: a regressor, or a classifier by
                the probability of a class.
            candidates: How many passages the reranker sees; with fewer it is faster.
            label: The reranker's class; None takes its last.
            fusion: For `"both"`: by the mean of the `"scores"`, see `score_fusion`, or by the `"ranks"`, see
                `reciprocal_rank_fusion`.

        Returns:
            For one query a list, the best first; for several a list of lists. The score is BM25's, the similarity of
            the vectors, that of the fusion, or the reranker's.

        Raises:
            InputError: An empty query, a method that the index has not, an embedder of another kind, ...
        """
        queries = [query] if isinstance(query, str) else list(query)
        if not queries:
            return []
        for text in queries:
            if not isinstance(text, str) or not text.strip():
                raise InputError(f"query {text!r:.40}: there is nothing to search for")
        if k < 1 or candidates < 1:
            raise InputError(f"k is {k} and candidates {candidates}; expected 1 or more")
        snapshot = self._snapshot
        method = method or ("words" if snapshot.near is None else "both")
        if method not in METHODS:
            raise InputError(f"method must be one of {', '.join(METHODS)}, received: {method!r}")
        depth = max(k, candidates) if reranker is not None else k
        if fusion not in FUSIONS:
            raise InputError(f"fusion must be one of {', '.join(FUSIONS)}, received: {fusion!r}")
        many = max(depth, _FUSED) if method == "both" else depth
        orders = self._orders(snapshot, queries, many, method, fusion)
        ranked = [(scores[:depth], numbers[:depth]) for scores, numbers in orders]
        if reranker is not None:
            ranked = _reranked(snapshot, reranker, queries, ranked, label)
        found = [
            [
                Found(snapshot.passages[number], score, number)
                for score, number in zip(scores[:k].tolist(), numbers[:k].tolist(), strict=True)
            ]
            for scores, numbers in ranked
        ]
        return found[0] if isinstance(query, str) else found

    @overload
    def ask(self, question: str, reader: BertQuestionAnswerer, **options: Any) -> list[dict[str, Any]]: ...
    @overload
    def ask(
        self, question: list[str] | tuple[str, ...], reader: BertQuestionAnswerer, **options: Any
    ) -> list[list[dict[str, Any]]]: ...
    def ask(
        self, question: str | list[str] | tuple[str, ...], reader: BertQuestionAnswerer, **options: Any
    ) -> list[dict[str, Any]] | list[list[dict[str, Any]]]:
        """Answers questions: finds passages, reads all of them in one run, and puts together what says the same.

        Args:
            question: A question, or several.
            reader: Finds the answer in a text.
            **options: `top_k`, answers a question, 3. `passages` to read, 10. `weight` of the reader beside the search,
                0.3, see `asking.merge.weigh`. `threshold`: answers to which the reader gives less in all places,
                by `read`, are none. `history`: questions asked before with their answers; a follow-up is searched for
                with the last of them. `batch_size`, 32 passages. And those of `search`: `method`, `reranker`,
                `candidates`, `label`, `fusion`.

        Returns:
            For one question a list, the best answer first, empty for no answer; for several a list of lists. Of each:
            `answer`, a part of a document; `score`, and `read`, the reader's part of it, from 0 to 1; `file`, `title`;
            `start` and `end` in bytes (of the file, or where not `in_file` of the text taken out of it), `page`,
            `line`; `sentence` around it, `at`, its first character there; `passage`; `sources`, all places that say
            the same, the best first.

        Raises:
            InputError: As `search`; an impossible number.

        Example:
            >>> index.ask("Where did he live?", reader)[0]["answer"]  # doctest: +SKIP
            'Vienna'
        """
        questions = [question] if isinstance(question, str) else list(question)
        answers = ask(self, questions, reader, **options)
        return answers[0] if isinstance(question, str) else answers

    def _orders(
        self, snapshot: Snapshot, queries: Sequence[str], depth: int, method: str, fusion: str
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Gives scores and numbers of the best passages of each query."""
        by_words, by_meaning = [], []
        if method != "meaning":
            # Half a surrogate pair becomes invalid UTF-8, which is an unknown word.
            texts = [query.encode("utf-8", "surrogatepass") for query in queries]
            ids, unknown = snapshot.tokenizer.tokenize(texts).to_list(), snapshot.tokenizer.unk_token_id
            by_words = snapshot.words.search([[piece for piece in row if piece != unknown] for row in ids], depth)
        if method != "words":
            if snapshot.near is None or self._meaning is None:
                raise InputError(f"{self.folder}: an index of words alone, which cannot be searched by meaning")
            scores, numbers = snapshot.near.search(self._meaning.queries(queries), depth)
            by_meaning = [(row[place >= 0], place[place >= 0]) for row, place in zip(scores, numbers, strict=True)]
        if method == "both":
            pairs = zip(by_words, by_meaning, strict=True)
            if fusion == "scores":
                return [score_fusion(words, meaning) for words, meaning in pairs]
            return [reciprocal_rank_fusion([words[1], meaning[1]]) for words, meaning in pairs]
        return by_words or by_meaning


class _NothingNewError(Exception):
    """Ends the writing of an index that would be the one that is there."""


def _reranked(
    snapshot: Snapshot,
    reranker: BertClassifier | BertRegressor,
    queries: Sequence[str],
    ranked: Sequence[tuple[np.ndarray, np.ndarray]],
    label: str | None,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Puts the passages of each query in the reranker's order, all pairs in one run."""
    pairs = [
        (query, snapshot.passages[number].text)
        for query, (_, numbers) in zip(queries, ranked, strict=True)
        for number in numbers.tolist()
    ]
    scores = pair_scores(reranker, pairs, label)
    found, start = [], 0
    for _, numbers in ranked:
        own = scores[start : start + len(numbers)]
        start += len(numbers)
        order = np.argsort(-own, kind="stable")
        found.append((own[order], numbers[order]))
    return found


def _longest(embedder: BertEmbedder) -> int:
    """Gives the tokens of a passage that the embedder reads: its longest input without special tokens and prompt."""
    from keras_bert.tasks.embedding.prompts import DOCUMENT_NAMES

    prompt = embedder.prompts.text(embedder.prompts.for_search(DOCUMENT_NAMES))
    before = len(embedder.tokenizer.tokenize([prompt]).to_list()[0]) if prompt else 0
    return embedder.preprocessor.max_length - 2 - before
