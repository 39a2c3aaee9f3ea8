"""An index of documents: built, opened, searched, changed; what did not change is not computed again."""

import threading
from pathlib import Path

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.retrieval import Found, Index
from keras_bert.retrieval.searching.meaning import Meaning
from keras_bert.retrieval.searching.rerank import pair_scores
from keras_bert.tasks import BertEmbedder
from tests.tasks import tiny

pytest.importorskip("bm25s", reason="needs the search extra")

TEXTS = {
    "film.txt": "The film was very good. A fine film.",
    "food.md": "# Food\n\nThe food is cold but fine. Not so bad and not so good.",
    "book.txt": "A plain dull book. The books.",
    "weather.txt": "So warm. So cold. Or not.",
}


@pytest.fixture(scope="module")
def embedder() -> BertEmbedder:
    return tiny.embedder()


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    for name, text in TEXTS.items():
        (tmp_path / "documents").mkdir(exist_ok=True)
        (tmp_path / "documents" / name).write_text(text, encoding="utf-8")
    return tmp_path / "documents"


def build(documents: Path, embedder: BertEmbedder | None, **options: int) -> Index:
    tokenizer = None if embedder else tiny.preprocessor().tokenizer
    sizes = {"max_tokens": 8, "overlap": 0, **options}
    return Index.build(documents.parent / "index", documents, embedder, tokenizer=tokenizer, **sizes)


def texts_of(found: list[Found]) -> list[str]:
    return [each.passage.text for each in found]


def test_passages_say_where_they_stand(documents: Path, embedder: BertEmbedder):
    index = build(documents, embedder)
    assert len(index.passages) == 9
    for number, passage in enumerate(index.passages):
        data = Path(passage.file).read_bytes()
        assert data[passage.start : passage.end].decode() == passage.text
        assert passage == index.passages[number]
        assert index.files[passage.document] == passage.file
    assert [passage.title for passage in index.passages[2:4]] == ["film", "film"]
    assert index.passages[-1].title == "weather"
    with pytest.raises(IndexError):
        index.passages[9]


@pytest.mark.parametrize("opened", [False, True], ids=["built", "opened"])
def test_meaning_is_the_nearest_vectors(opened: bool, documents: Path, embedder: BertEmbedder):
    index = build(documents, embedder)
    if opened:
        index = Index.open(index.folder, embedder)
    queries = ["a good film", "cold food", "book"]
    vectors = embedder.embed([passage.text for passage in index.passages])
    for query, found in zip(queries, index.search(queries, 3, "meaning"), strict=True):
        cosines = vectors @ embedder.embed([query])[0]
        assert [each.number for each in found] == np.argsort(-cosines)[:3].tolist()
        np.testing.assert_allclose([each.score for each in found], np.sort(-cosines)[:3] * -1, atol=1e-5)
        assert [each.number for each in index.search(query, 3, "meaning")] == [each.number for each in found]


def test_words_need_no_embedder(documents: Path):
    index = build(documents, None)
    assert texts_of(index.search("dull books", 9)) == ["The books.", "A plain dull book."]
    assert not index.has_vectors
    assert index.search("zebra") == []
    with pytest.raises(InputError, match="an index of words alone, which cannot be searched by meaning"):
        index.search("books", method="both")
    with pytest.raises(InputError, match="an index of words alone"):
        Index.open(index.folder, "minilm")


def test_both_is_the_fusion_of_the_two_orders(documents: Path, embedder: BertEmbedder):
    index = build(documents, embedder)
    words, meaning = (index.search("a good film", 9, method) for method in ("words", "meaning"))
    least, most = meaning[-1].score, meaning[0].score
    by_ranks: dict[int, float] = {}
    by_scores: dict[int, float] = {}
    for order in (words, meaning):
        for place, found in enumerate(order, 1):
            by_ranks[found.number] = by_ranks.get(found.number, 0) + 1 / (60 + place)
            share = found.score / words[0].score if order is words else (found.score - least) / (most - least)
            by_scores[found.number] = by_scores.get(found.number, 0) + share / 2
    for fusion, expected in (("ranks", by_ranks), ("scores", by_scores)):
        both = index.search("a good film", 9, fusion=fusion)
        assert sorted(found.number for found in both) == sorted(expected)
        np.testing.assert_allclose([found.score for found in both], sorted(expected.values(), reverse=True), atol=1e-5)
        np.testing.assert_allclose([found.score for found in both], [expected[f.number] for f in both], atol=1e-5)
    with pytest.raises(InputError, match="fusion must be one of scores, ranks"):
        index.search("film", fusion="rrf")


def test_a_reranker_puts_the_candidates_in_its_order(documents: Path, embedder: BertEmbedder):
    index, reranker = build(documents, embedder), tiny.classifier(text_pair=True)
    queries = ["a good film", "cold"]
    for query, found in zip(queries, index.search(queries, 2, reranker=reranker, candidates=4), strict=True):
        candidates = index.search(query, 4, candidates=4)
        scores = pair_scores(reranker, [(query, text) for text in texts_of(candidates)])
        order = np.argsort(-scores, kind="stable")[:2]
        assert [each.number for each in found] == [candidates[place].number for place in order]
        np.testing.assert_allclose([each.score for each in found], scores[order], atol=1e-5)


def test_changed_files_are_replaced_and_only_new_passages_are_embedded(
    documents: Path, embedder: BertEmbedder, monkeypatch: pytest.MonkeyPatch
):
    index = build(documents, embedder)
    asked: list[str] = []
    embed = BertEmbedder.embed
    monkeypatch.setattr(BertEmbedder, "embed", lambda self, texts, *a: asked.extend(texts) or embed(self, texts, *a))
    before = Index.open(index.folder, embedder)
    (documents / "film.txt").write_text("The film was very good. A bad film.", encoding="utf-8")
    (documents / "new.txt").write_text("Very warm.", encoding="utf-8")
    index.add(documents)
    assert sorted(asked) == ["A bad film.", "Very warm."]
    fresh = Index.build(documents.parent / "fresh", documents, embedder, max_tokens=8, overlap=0)
    for method in ("words", "meaning", "both"):
        ours, theirs = (found.search("a bad warm film", 9, method) for found in (index, fresh))
        assert sorted(texts_of(ours)) == sorted(texts_of(theirs))
        np.testing.assert_allclose([each.score for each in ours], [each.score for each in theirs], atol=2e-5)
    assert "A fine film." in texts_of(before.search("film", 9)), "who has it open goes on with what was there"
    assert {index.files[passage.document] for passage in index.passages} == {p.file for p in index.passages}


def test_what_did_not_change_is_not_written(documents: Path, embedder: BertEmbedder):
    index = build(documents, embedder)
    state = [(path.name, path.stat().st_ino) for path in sorted(index.folder.iterdir())]
    index.add(documents)
    assert [(path.name, path.stat().st_ino) for path in sorted(index.folder.iterdir())] == state


def test_removed_files_are_gone(documents: Path, embedder: BertEmbedder):
    index = build(documents, embedder)
    (documents / "film.txt").unlink()
    assert index.missing() == [str(documents / "film.txt")]
    assert "A fine film." in texts_of(index.search("film", 9))
    index.remove(documents / "fi*.txt")
    assert index.missing() == []
    assert all("film.txt" not in each.passage.file for each in index.search("film", 99))
    assert len(index.passages) == 7
    assert len(index.files) == 3
    with pytest.raises(InputError, match=r"none\*: the index holds no file of that name"):
        index.remove([documents / "none*"])
    with pytest.raises(InputError, match="there would be no passage in the index"):
        index.remove(documents)
    assert len(Index.open(index.folder).passages) == 7


def test_one_unreadable_file_among_many_is_named_and_kept_in_mind(documents: Path, embedder: BertEmbedder):
    (documents / "broken.txt").write_bytes(b"\xff")
    index = build(documents, embedder)
    assert list(index.problems) == [str(documents / "broken.txt")]
    assert len(index.files) == 4
    (documents / "broken.txt").write_text("Mended book.", encoding="utf-8")
    index.add(documents / "broken.txt")
    assert index.problems == {}
    assert len(index.files) == 5


def test_equal_paragraphs_are_all_found(tmp_path: Path, embedder: BertEmbedder):
    (tmp_path / "documents").mkdir()
    for number in range(12):
        (tmp_path / "documents" / f"{number:02}.txt").write_text("A good film.", encoding="utf-8")
    index = build(tmp_path / "documents", embedder)
    for method in ("words", "meaning", "both"):
        assert [found.number for found in index.search("film", 12, method)] == list(range(12))


def test_eight_threads_get_the_answers_of_one(documents: Path, embedder: BertEmbedder):
    index = Index.open(build(documents, embedder).folder, embedder)
    queries = ["a good film", "cold food", "the book was dull", "warm"] * 2
    expected = [index.search(query, 1 + place) for place, query in enumerate(queries)]
    answers: list = [None] * 8

    def ask(place: int) -> None:
        answers[place] = [index.search(queries[place], 1 + place) for _ in range(20)]

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for place in range(8):
        assert answers[place] == [expected[place]] * 20


def test_an_index_that_was_put_there_meanwhile_is_not_lost(
    documents: Path, embedder: BertEmbedder, monkeypatch: pytest.MonkeyPatch
):
    index = build(documents, embedder)
    (documents / "new.txt").write_text("Warm.", encoding="utf-8")
    passages = Meaning.passages

    def slow(self: Meaning, texts: list[str], batch_size: int = 32) -> np.ndarray:
        monkeypatch.setattr(Meaning, "passages", passages)
        Index.build(index.folder, documents / "book.txt", embedder, overwrite=True)
        return passages(self, texts, batch_size)

    monkeypatch.setattr(Meaning, "passages", slow)
    with pytest.raises(InputError, match="another program has put a new index there"):
        index.add(documents)
    assert Index.open(index.folder).files == [str(documents / "book.txt")]


def test_an_index_in_the_folder_of_its_documents_is_no_document(documents: Path, embedder: BertEmbedder):
    index = Index.build(documents / "index", documents, embedder, max_tokens=8)
    index.add(documents)
    assert [Path(file).name for file in index.files] == sorted(TEXTS)


def test_passages_of_one_index_have_one_prompt(documents: Path):
    index = build(documents, tiny.embedder(prompts={"passage": "the "}))
    (documents / "new.txt").write_text("Warm.", encoding="utf-8")
    plain = Index.open(index.folder, tiny.embedder())
    with pytest.raises(InputError, match="made with the prompt 'the ' before passages, and the model has ''"):
        plain.add(documents)
    index.add(documents)
    vectors = tiny.embedder().embed(["the Warm."])
    found = [each for each in index.search("warm", 99, "meaning") if each.passage.title == "new"]
    cosine = vectors[0] @ tiny.embedder().embed(["warm"])[0]
    assert found[0].score == pytest.approx(cosine, abs=1e-5)


def test_threads_may_search_while_the_index_changes(documents: Path, embedder: BertEmbedder):
    """Each answer is that of the index before or of the index afterwards."""
    index = build(documents, embedder)
    allowed = [index.search("so warm", 99, "words")]
    (documents / "film.txt").unlink()
    (documents / "more.txt").write_text("So very warm. So so.", encoding="utf-8")
    seen, done = [], threading.Event()

    def ask() -> None:
        while not done.is_set():
            seen.append(index.search("so warm", 99, "words"))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    index.remove(documents / "film.txt")
    allowed.append(index.search("so warm", 99, "words"))
    index.add(documents)
    allowed.append(index.search("so warm", 99, "words"))
    done.set()
    for thread in threads:
        thread.join()
    assert len(seen) > 4
    assert all(answer in allowed for answer in seen)
    assert allowed[0] != allowed[1] != allowed[2]


def test_bad_questions_are_refused(documents: Path, embedder: BertEmbedder):
    index = build(documents, embedder)
    for query in ("", " \n", ["film", ""]):
        with pytest.raises(InputError, match="there is nothing to search for"):
            index.search(query)
    with pytest.raises(InputError, match="method must be one of words, meaning, both"):
        index.search("film", method="exact")
    with pytest.raises(InputError, match="k is 0"):
        index.search("film", 0)
    assert index.search([]) == []
    assert len(index.search("film \ud800 \0 " + "x" * 100_000, 2)) == 2


def test_impossible_settings_are_refused_before_anything_is_written(documents: Path, embedder: BertEmbedder):
    with pytest.raises(InputError, match="max_tokens is 23; the embedder reads 22 tokens"):
        build(documents, embedder, max_tokens=23)
    with pytest.raises(InputError, match="overlap 8"):
        build(documents, embedder, overlap=8)
    with pytest.raises(InputError, match="no such file"):
        build(documents / "none", embedder)
    assert not (documents.parent / "index").exists()
    build(documents, embedder)
    with pytest.raises(InputError, match="already holds"):
        build(documents, embedder)


def test_another_model_is_refused_and_one_elsewhere_not_fetched(documents: Path, embedder: BertEmbedder):
    index = build(documents, embedder)
    assert Index.open(index.folder).search("film", method="words"), "words need no model"
    with pytest.raises(InputError, match="made with a model without a name, which is not a folder here"):
        Index.open(index.folder).search("film")
    other = Index.open(index.folder, tiny.embedder(seed=5))
    with pytest.raises(InputError, match="made with another model than"):
        other.search("film")


def test_an_embedder_in_a_folder_is_found_again(documents: Path, embedder: BertEmbedder, tmp_path: Path):
    embedder.save_preset(tmp_path / "model")
    index = Index.build(tmp_path / "index", documents, tmp_path / "model", max_tokens=8)
    assert Index.open(index.folder).search("film", 3) == index.search("film", 3)
