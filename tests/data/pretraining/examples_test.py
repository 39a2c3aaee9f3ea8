"""Examples by the paper's rules: documents worked out on paper, and counts within the binomial's tolerance.

In the counting tests a token tells where it stands: document * 100,000 + sentence * 100 + place. So every example says
itself which sentences it was made of.
"""

import random

import numpy as np
import pytest

from keras_bert.data.pretraining.examples import make_examples, packed_examples, pair_examples
from keras_bert.errors import InputError

CLS, SEP = 1, 2


def ids(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def corpus(documents: int, seed: int, longest: int = 20) -> list[list[np.ndarray]]:
    chooser = np.random.default_rng(seed)
    return [
        [
            np.arange(chooser.integers(1, longest + 1), dtype=np.int32) + (document + 1) * 100_000 + sentence * 100
            for sentence in range(chooser.integers(1, 40))
        ]
        for document in range(documents)
    ]


def pairs(documents, max_length=64, seed=0, **options):
    return list(pair_examples(documents, max_length, random.Random(seed), cls_id=CLS, sep_id=SEP, **options))


def segments(example) -> tuple[np.ndarray, np.ndarray]:
    """Both segments, and that the special tokens stand where they belong."""
    row, first = example.token_ids, example.first_length
    assert (row[0], row[first - 1], row[-1]) == (CLS, SEP, SEP)
    assert not np.isin([CLS, SEP], np.concatenate((row[1 : first - 1], row[first:-1]))).any()
    return row[1 : first - 1], row[first:-1]


def within(count: int, total: int, share: float) -> bool:
    """Five standard deviations of the binomial: a correct program fails once in 1.7 million seeds."""
    return abs(count - total * share) < 5 * np.sqrt(total * share * (1 - share))


def places(segment: np.ndarray) -> tuple[int, int, int]:
    """Document, first and last sentence; all tokens of one document and in the order of the text."""
    document = set((segment // 100_000).tolist())
    assert len(document) == 1
    assert (np.diff(segment) > 0).all()
    sentences = segment % 100_000 // 100
    assert set(np.diff(sentences).tolist()) <= {0, 1}
    return document.pop(), int(sentences[0]), int(sentences[-1])


def test_two_documents_of_one_sentence_leave_no_choice():
    """One sentence has no next one in its document: b is the other document, which has one sentence too."""
    first, second = pairs([[ids(10, 11)], [ids(20, 21, 22)]], max_length=16, short_seq_probability=0)
    assert first.token_ids.tolist() == [CLS, 10, 11, SEP, 20, 21, 22, SEP]
    assert (first.first_length, first.next_sentence_label) == (4, 1)
    assert second.token_ids.tolist() == [CLS, 20, 21, 22, SEP, 10, 11, SEP]
    assert (second.first_length, second.next_sentence_label) == (5, 1)
    assert first.token_ids.dtype == np.int32


def test_what_can_come_of_a_document_worked_out_on_paper():
    """Sentences 10 11 | 12 | 13 14, room for 8 tokens: all three make one chunk, cut after the first or the second.

    Half the time b follows, and that is all. Otherwise b is 90 (target 7 is not reached: the document ends), and what
    a left is put back: [12, 13 14] gives 12 + next, 12 + 90 and then [13 14] alone with 90, and so on.
    """
    nine = [ids(90)]
    wholes = {(10, 11): (12, 13, 14), (10, 11, 12): (13, 14), (12,): (13, 14)}
    seen = set()
    for seed in range(200):
        found = [
            example
            for example in pairs([[ids(10, 11), ids(12), ids(13, 14)], nine], 11, seed, short_seq_probability=0)
            if segments(example)[0][0] != 90
        ]
        position = 10
        for example in found:
            a, b = (tuple(part.tolist()) for part in segments(example))
            assert a[0] == position
            if example.next_sentence_label == 0:
                assert b == wholes[a]
                assert example is found[-1]
            else:
                assert b == (90,)
                position = a[-1] + 1
            seen.add((a, b))
        assert found[-1].next_sentence_label == 0 or position == 15
    for a, b in wholes.items():
        assert {(a, b), (a, (90,))} <= seen
    assert ((13, 14), (90,)) in seen


def test_the_target_ends_a_chunk_and_the_longer_segment_is_cut():
    """Room for 5. 10..13 and 20..24 make 9 tokens; cut to 3 and 2: lengths even out, the second gives way first."""
    for seed in range(50):
        for example in pairs(
            [[ids(10, 11, 12, 13), ids(20, 21, 22, 23, 24), ids(30)], [ids(90)] * 2], 8, seed, short_seq_probability=0
        ):
            a, b = segments(example)
            if a[0] // 10 == 1 and b[0] // 10 == 2:
                assert (len(a), len(b)) == (3, 2)
                assert (np.diff(a) == 1).all()
                assert (np.diff(b) == 1).all()


def test_half_of_the_pairs_are_random_and_never_from_the_same_document():
    documents = corpus(300, seed=1)
    random_next = choices = 0
    for example in pairs(documents, short_seq_probability=0):
        a, b = segments(example)
        (document, start, end), (other, _, _) = places(a), places(b)
        assert (other != document) == bool(example.next_sentence_label)
        if example.next_sentence_label == 0:
            # Whole sentences may be cut off where a meets b.
            assert places(b)[1] == end + 1 if len(example.token_ids) < 64 else places(b)[1] > start
        if start + 1 < len(documents[document - 1]):  # the last sentence of a document has no next one
            choices += 1
            random_next += example.next_sentence_label
    assert choices > 1300
    assert within(random_next, choices, 0.5)


def test_no_token_is_lost_but_by_truncation():
    """With room for every chunk, a and true b cover each document from its first sentence to its last."""
    documents = corpus(60, seed=2, longest=3)
    expected = {document + 1: 0 for document in range(len(documents))}
    for example in pairs(documents, max_length=512, short_seq_probability=0):
        a, b = segments(example)
        document, start, end = places(a)
        assert start == expected[document]
        expected[document] = places(b)[2] + 1 if example.next_sentence_label == 0 else end + 1
    assert list(expected.values()) == [len(document) for document in documents]


def test_the_other_document_is_any_of_them_alike():
    """Of 11 documents, with one sentence each, each of the other ten is as likely."""
    documents = [[ids(100_000 * (number + 1))] for number in range(11)]
    drawn = np.zeros(12, int)
    for seed in range(2000):
        for example in pairs(documents, seed=seed):
            a, b = segments(example)
            if places(a)[0] == 1:
                drawn[places(b)[0]] += 1
    assert drawn[1] == 0
    assert all(within(count, 2000, 0.1) for count in drawn[2:])


def test_a_random_segment_begins_at_any_sentence():
    long = [ids(200_000 + 100 * sentence) for sentence in range(10)]
    starts = [
        places(segments(pairs([[ids(100_000)], long], seed=seed, short_seq_probability=0)[0])[1])[1]
        for seed in range(2000)
    ]
    assert all(within(starts.count(start), 2000, 0.1) for start in range(10))


def test_parts_of_one_document_are_no_random_next_for_each_other():
    documents = corpus(30, seed=3)
    origins = [number // 10 for number in range(30)]
    for example in pairs(documents, origins=origins):
        if example.next_sentence_label:
            a, b = (origins[places(segment)[0] - 1] for segment in segments(example))
            assert a != b


def test_lengths_follow_the_target():
    """Sentences of one token: a true pair is as long as its target, 50, or for a tenth of the documents 2 to 50."""
    documents = [[ids((number + 1) * 100_000 + sentence * 100) for sentence in range(200)] for number in range(2000)]
    lengths = []
    for example in pairs(documents, max_length=53, seed=4):
        if example.next_sentence_label == 0 and places(segments(example)[0])[1] == 0:
            lengths.append(len(example.token_ids) - 3)
    assert len(lengths) > 900
    assert max(lengths) == 50
    short = [length for length in lengths if length < 50]
    assert within(len(short), len(lengths), 0.1 * 48 / 49)
    assert abs(np.mean(short) - 25.5) < 5 * np.sqrt((48**2 - 1) / 12 / len(short))  # uniform from 2 to 49

    for example in pairs(documents[:200], max_length=53, seed=5, short_seq_probability=0):
        length, (_, _, end) = len(example.token_ids), places(segments(example)[1])
        assert length == 53 or end == 199, "only the end of a document makes a shorter one"


def test_truncation_falls_on_both_ends_alike():
    """b is one sentence of 100 tokens, cut to 10: of the 90 cuts half fall on the front."""
    front = []
    for seed in range(1000):
        example = pairs([[ids(*range(10, 20))], [ids(*range(100_000, 100_100))]], 23, seed, short_seq_probability=0)[0]
        a, b = segments(example)
        assert (len(a), len(b)) == (10, 10)
        front.append(b[0] - 100_000)
    assert within(sum(front), 90 * 1000, 0.5)
    # As single coins would have it: variance n / 4.
    assert 15 < np.var(front) < 31


def test_lines_of_thousands_of_tokens_and_the_shortest_length():
    documents = [[ids(*range(10, 4010))], [ids(*range(5000, 9000)), ids(3)]]
    assert {len(example.token_ids) for example in pairs(documents, 128, short_seq_probability=0)} <= {128, 67, 66}
    assert all(len(example.token_ids) == 5 for example in pairs(documents, 5))


def test_packing_worked_out_on_paper():
    """Room for 5: 2 + 2 fit and the 3 after them do not; 12 is cut to 5, 5 and 2, and the 2 wait for the next."""
    document = [ids(10, 11), ids(12, 13), ids(14, 15, 16), ids(*range(20, 32)), ids(40, 41, 42), ids(43)]
    rows = list(packed_examples([document, [ids(50)]], 7, random.Random(0), cls_id=CLS, sep_id=SEP))
    assert [row.token_ids.tolist()[1:-1] for row in rows] == [
        [10, 11, 12, 13],
        [14, 15, 16],
        [20, 21, 22, 23, 24],
        [25, 26, 27, 28, 29],
        [30, 31, 40, 41, 42],
        [43],
        [50],
    ]
    assert all((row.token_ids[0], row.token_ids[-1]) == (CLS, SEP) for row in rows)
    assert all((row.first_length, row.next_sentence_label) == (len(row.token_ids), None) for row in rows)


def test_packing_keeps_every_token_and_never_leaves_a_document():
    documents = corpus(100, seed=6)
    for short in (0.0, 0.5):
        rows = list(
            packed_examples(documents, 32, random.Random(1), cls_id=CLS, sep_id=SEP, short_seq_probability=short)
        )
        found = np.concatenate([row.token_ids[1:-1] for row in rows])
        assert (found == np.concatenate([sentence for document in documents for sentence in document])).all()
        assert max(len(row.token_ids) for row in rows) == 32
        for row in rows:
            places(row.token_ids[1:-1])


def test_examples_come_in_random_order_that_the_seed_decides():
    documents = corpus(50, seed=7)

    def made(seed):
        rows = make_examples(documents, "mlm_nsp", 64, random.Random(seed), cls_id=CLS, sep_id=SEP)
        return [(row.token_ids.tolist(), row.first_length, row.next_sentence_label) for row in rows]

    assert made("a") == made("a") != made("b")
    order = [row[0][1] for row in made("a")]
    assert order != sorted(order)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"objective": "nsp"}, "objective 'nsp': expected one of mlm_nsp, mlm"),
        ({"max_length": 4}, "max_length is 4; objective mlm_nsp takes 5 tokens or more"),
        ({"objective": "mlm", "max_length": 2}, "max_length is 2; objective mlm takes 3 tokens or more"),
        ({"short_seq_probability": 1.5}, "short_seq_probability is 1.5; expected 0 to 1"),
        ({"documents": [[ids(10), ids(11)]]}, "only one document with text, so no random next sentence"),
        ({"origins": [3, 3]}, "choose --objective=mlm"),
    ],
)
def test_bad_settings(change, words):
    settings = {"documents": [[ids(10)], [ids(11)]], "objective": "mlm_nsp", "max_length": 16, **change}
    with pytest.raises(InputError, match=words):
        make_examples(**settings, rng=random.Random(0), cls_id=CLS, sep_id=SEP)
