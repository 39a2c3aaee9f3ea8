"""The Beam pipeline: real text to records, the same with any number of workers, and nothing half done that counts."""

import gzip
import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import tensorflow as tf

from keras_bert.data.pretraining import build_pretraining_data, is_held_out, pretraining_records
from keras_bert.data.pretraining import shard as shard_module
from keras_bert.data.shards import beam_runner
from keras_bert.errors import InputError
from keras_bert.text.byte_pair.byte_pair_tokenizer import BytePairTokenizer
from keras_bert.text.byte_pair.byte_pairs import byte_characters
from keras_bert.text.word_piece.tokenizer import BertTokenizer

beam = pytest.importorskip("apache_beam")

ROOT = Path(__file__).resolve().parents[3]
# In this process, so that nothing has to start.
HERE = ["--direct_running_mode=in_memory", "--direct_num_workers=1"]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
ENTRIES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, *(f"##{letter}" for letter in LETTERS)]
TOKENIZER = BertTokenizer(ENTRIES)


def document(number: int) -> str:
    """Sentences of one word each, of which the first two letters tell the document."""
    name = LETTERS[number // 26 % 26] + LETTERS[number % 26]
    return "".join(f"{name}{LETTERS[sentence]}\n" for sentence in range(number % 7 + 3))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    (tmp_path / "corpus.txt").write_text("\n".join(map(document, range(300))))
    return tmp_path / "corpus.txt"


def build(inputs, output, **options):
    options = {"max_length": 32, "unit_megabytes": 0.002, "beam_flags": HERE, **options}
    return build_pretraining_data([str(path) for path in np.atleast_1d(inputs)], TOKENIZER, str(output), **options)


def rows(folder, tokenizer=TOKENIZER) -> list[str]:
    return [
        json.dumps({name: value.tolist() for name, value in row.items()}, sort_keys=True)
        for row in pretraining_records(folder, tokenizer).as_numpy_iterator()
    ]


def names(row: str) -> tuple[set[str], set[str]]:
    """The documents of both segments: each word is three tokens, the first two its document."""
    row = json.loads(row)
    tokens = [TOKENIZER.id_to_token(number).removeprefix("##") for number in row["token_ids"]]
    first, second = tokens[1 : row["first_length"] - 1], tokens[row["first_length"] : -1]
    return tuple({"".join(part[at : at + 2]) for at in range(0, len(part) - 1, 3)} for part in (first, second))


def test_records_of_a_corpus(corpus: Path, tmp_path: Path):
    manifest = build(corpus, tmp_path / "out", short_seq_probability=0, max_length=64)
    size = corpus.stat().st_size
    assert len(manifest.shards) == -(-(size - 299 * 2 - 1) // 2000)
    assert manifest.counts["documents"] == 300
    assert manifest.counts["sentences"] == sum(number % 7 + 3 for number in range(300))
    assert manifest.counts["tokens"] == 3 * manifest.counts["sentences"]
    found = rows(tmp_path / "out")
    assert len(found) == manifest.counts["examples"] == sum(shard["examples"] for shard in manifest.shards)
    random_next = 0
    for row in found:
        first, second = names(row)
        assert len(first) == len(second) == 1
        assert (first != second) == json.loads(row)["next_sentence_label"]
        random_next += first != second
    assert random_next == manifest.counts["random_next"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        *sorted(shard["name"] for shard in manifest.shards),
        "manifest.json",
    ]


def test_the_same_seed_gives_the_same_examples_and_another_one_others(corpus: Path, tmp_path: Path):
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        build(corpus, tmp_path / name, seed=seed)
    assert rows(tmp_path / "a") == rows(tmp_path / "b")
    assert sorted(rows(tmp_path / "a")) != sorted(rows(tmp_path / "c"))


def test_each_pass_has_other_pairs(corpus: Path, tmp_path: Path):
    once = build(corpus, tmp_path / "once")
    thrice = build(corpus, tmp_path / "thrice", duplicates=3)
    assert len(thrice.shards) == 3 * len(once.shards)
    assert thrice.counts["tokens"] == 3 * once.counts["tokens"]
    found = rows(tmp_path / "thrice")
    assert len(set(found)) > 0.8 * len(found)
    assert set(rows(tmp_path / "once")) <= set(found)


def test_held_out_documents_have_records_of_their_own(corpus: Path, tmp_path: Path):
    manifest = build(corpus, tmp_path / "out", held_out=0.1, max_length=64)
    expected = {document(number)[:2] for number in range(300) if is_held_out(document(number).encode(), 0.1)}
    documents = [
        set().union(*(name for row in rows(tmp_path / folder) for name in names(row)))
        for folder in ("out", "out/held_out")
    ]
    assert documents[1] == expected
    assert not documents[0] & expected
    assert manifest.counts["documents"] == 300 - len(expected)
    # Without a share, the next build takes the held-out records away.
    build(corpus, tmp_path / "out", overwrite=True)
    assert not (tmp_path / "out" / "held_out").exists()


def test_static_masks_are_of_the_unmasked_examples(corpus: Path, tmp_path: Path):
    build(corpus, tmp_path / "dynamic", seed=1)
    manifest = build(corpus, tmp_path / "static", seed=1, masking={"rate": 0.2, "unit": "word"})
    assert manifest.settings["masking"] == "static"
    mended, masked = [], 0
    for text in rows(tmp_path / "static"):
        row = json.loads(text)
        positions, labels = row.pop("mask_positions"), row.pop("mask_labels")
        # A short row has no room for a whole word of three tokens.
        assert len(positions) <= max(1, round(0.2 * len(row["token_ids"])))
        masked += len(positions)
        for position, label in zip(positions, labels, strict=True):
            row["token_ids"][position] = label
        mended.append(json.dumps(row, sort_keys=True))
    assert mended == rows(tmp_path / "dynamic")
    assert masked > 0.1 * manifest.counts["tokens"]


def test_packed_compressed_and_one_document_a_line(corpus: Path, tmp_path: Path):
    lines = ["".join(f"{line}. " for line in document(number).upper().split()) for number in range(50)]
    (tmp_path / "lines.txt.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    manifest = build(tmp_path / "lines.txt.gz", tmp_path / "out", layout="document_per_line", objective="mlm")
    assert manifest.counts["documents"] == 50
    assert manifest.counts["sentences"] == sum(number % 7 + 3 for number in range(50))
    assert all("next_sentence_label" not in row for row in rows(tmp_path / "out"))


@pytest.mark.slow
def test_a_byte_pair_tokenizer_travels_too(corpus: Path, tmp_path: Path):
    tokenizer = BytePairTokenizer([*ENTRIES[:5], *byte_characters(), "aa"], ["a a"])
    manifest = build_pretraining_data([str(corpus)], tokenizer, str(tmp_path / "out"), beam_flags=HERE)
    assert manifest.vocabulary["tokenizer"] == "BytePairTokenizer"
    expected = sum(len(tokenizer(line)) for line in corpus.read_text().split("\n"))
    assert manifest.counts["tokens"] == expected < 3 * manifest.counts["sentences"]
    assert len(rows(tmp_path / "out", tokenizer)) == manifest.counts["examples"]


def test_a_tfds_data_set(tmp_path: Path):
    import tensorflow_datasets as tfds

    texts = [f"Ab cd. Ef gh.\n\n{letter} ij" for letter in LETTERS[:9]]
    tfds.dataset_builders.store_as_tfds_dataset(
        name="letters",
        version="1.0.0",
        features=tfds.features.FeaturesDict({"text": tfds.features.Text()}),
        split_datasets={"train": tf.data.Dataset.from_tensor_slices({"text": texts})},
        data_dir=tmp_path / "tfds",
    )
    manifest = build("tfds:letters", tmp_path / "out", data_dir=str(tmp_path / "tfds"))
    assert manifest.counts["documents"] == 9
    assert manifest.counts["sentences"] == 27
    assert not list((tmp_path / "out").glob(".work*"))


def test_documents_of_one_sentence_and_lines_of_thousands_of_characters(tmp_path: Path):
    (tmp_path / "one.txt").write_text("\n\n".join("abc " * 1000 + LETTERS[number] for number in range(5)))
    manifest = build(tmp_path / "one.txt", tmp_path / "out", short_seq_probability=0)
    assert manifest.counts["random_next"] == manifest.counts["examples"] == 5
    assert {len(json.loads(row)["token_ids"]) for row in rows(tmp_path / "out")} == {32}


@pytest.mark.parametrize(
    ("data", "options", "words"),
    [
        (b"", {}, "text.txt: there is no text"),
        (b"\n  \n", {}, "there is no text"),
        ("\u200b\n\n\u200b".encode(), {"objective": "mlm"}, "no tokens in the text"),
        ("a\n\n\u200b".encode(), {}, "only one document with text, so no random next"),
        (b"a\nb\nc", {}, "only one document with text, .* choose --objective=mlm"),
        (b"a\0b\n\nc", {}, "holds NUL bytes"),
        (b"a\nb\nc\n\xff\n\nd", {"strict": True}, "the line at byte 6 is not UTF-8"),
        (b"a\n\nb", {"held_out": 0.9999}, r"held_out=0.9999 leaves [01] of 2 documents to train on"),
        (b"a\n\nb", {"held_out": 1e-9}, r"leaves 0 of 2 documents held out; choose another share"),
        (b"a\n\nb", {"duplicates": 0}, "duplicates is 0"),
        (b"a\n\nb", {"duplicates": 2, "objective": "mlm"}, "packs every pass alike"),
        (b"a\n\nb", {"layout": "paragraphs"}, "layout 'paragraphs': expected one of"),
        (b"a\n\nb", {"unit_megabytes": 0}, "unit_megabytes is 0"),
        (b"a\n\nb", {"masking": {"rate": 2}}, "rate is 2"),
        (b"a\n\nb", {"beam_flags": ["--direct_num_worker=2"]}, "unknown flag --direct_num_worker"),
    ],
)
def test_bad_input(tmp_path: Path, data, options, words):
    (tmp_path / "text.txt").write_bytes(data)
    with pytest.raises(InputError, match=words):
        build(tmp_path / "text.txt", tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()
    (tmp_path / "out").mkdir()
    with pytest.raises(InputError, match=words):
        build(tmp_path / "text.txt", tmp_path / "out", **options)
    assert not list((tmp_path / "out").iterdir())


def test_names_that_are_no_text(tmp_path: Path):
    for name, words in (("none*.txt", "no such file"), ("", "is a folder"), ("nowhere://a", "nowhere://a: ")):
        with pytest.raises(InputError, match=words):
            build(tmp_path / name if "://" not in name else name, tmp_path / "out")
    (tmp_path / "bad.gz").write_bytes(b"no gzip")
    with pytest.raises(InputError, match=r"bad.gz: cannot be unpacked"):
        build(tmp_path / "bad.gz", tmp_path / "out2")


def test_lines_that_are_no_utf8_are_counted(tmp_path: Path):
    (tmp_path / "text.txt").write_bytes(b"a\nb\xff\nc\n\nd\n\xe4\ne")
    assert build(tmp_path / "text.txt", tmp_path / "out").counts["corpus"]["invalid_lines"] == 2


def test_no_file_is_taken_for_a_pattern(corpus: Path, tmp_path: Path, monkeypatch):
    """A file with the name of a pattern is that file; a folder that a pattern leads to is refused."""
    text = tmp_path / "part[1]*?.txt"
    text.write_bytes(corpus.read_bytes())
    (tmp_path / "part1.txt").write_text("not this one\n")
    build(text, tmp_path / "data")
    build(corpus, tmp_path / "same")
    assert rows(tmp_path / "data") == rows(tmp_path / "same")
    (tmp_path / "b[1]").mkdir()
    monkeypatch.chdir(tmp_path / "b[1]")
    with pytest.raises(InputError, match="for a pattern"):
        build(corpus, "data")
    assert list((tmp_path / "b[1]").iterdir()) == []


def test_a_folder_that_holds_something_is_left_alone(corpus: Path, tmp_path: Path):
    first = build(corpus, tmp_path / "out", seed=1)
    before = rows(tmp_path / "out")
    with pytest.raises(InputError, match="already holds"):
        build(corpus, tmp_path / "out", seed=2)
    (tmp_path / "out" / "notes.txt").write_text("mine")
    second = build(corpus, tmp_path / "out", seed=2, overwrite=True)
    assert rows(tmp_path / "out") != before
    left = {path.name for path in (tmp_path / "out").iterdir()}
    assert left == {"manifest.json", "notes.txt", *(shard["name"] for shard in second.shards)}
    assert not left & {shard["name"] for shard in first.shards}


def test_a_failure_half_way_leaves_the_earlier_data_as_they_were(corpus: Path, tmp_path: Path, monkeypatch):
    build(corpus, tmp_path / "out", seed=1)
    before, files = rows(tmp_path / "out"), set((tmp_path / "out").iterdir())
    write, written = shard_module.write_records, []

    def fail(path, examples):
        if len(written) == 2:
            raise OSError(28, "No space left on device")
        written.append(path)
        return write(path, examples)

    monkeypatch.setattr(shard_module, "write_records", fail)
    with pytest.raises(InputError, match=r"a worker failed: .*No space left on device"):
        build(corpus, tmp_path / "out", seed=2, overwrite=True)
    assert rows(tmp_path / "out") == before
    assert set((tmp_path / "out").iterdir()) == files


@pytest.mark.slow
def test_two_processes_make_what_one_makes_of_real_text(shared_data: Path, tmp_path: Path):
    tokenizer = BertTokenizer(shared_data / "vocab" / "bert-base-uncased.txt")
    inputs = [str(shared_data / "pretraining" / name) for name in ("wikitext2/*.txt", "abc_news/*.txt")]
    options = {"held_out": 0.05, "seed": 3, "unit_megabytes": 0.7}
    made = {}
    for name, flags in (("here", HERE), ("two", ["--direct_num_workers=2"])):
        made[name] = build_pretraining_data(inputs, tokenizer, str(tmp_path / name), beam_flags=flags, **options)
    assert made["here"].counts == made["two"].counts
    assert made["here"].counts["corpus"]["documents"] == 61 + 2407 + 764
    for split in ("", "held_out"):
        found = rows(tmp_path / "here" / split, tokenizer)
        assert found == rows(tmp_path / "two" / split, tokenizer)
        rows_of = list(map(json.loads, found))
        assert max(len(row["token_ids"]) for row in rows_of) == 128
        assert all(tokenizer.unk_token_id not in row["token_ids"][:1] for row in rows_of)


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before any shard", "after a shard"])
def test_killed_at_any_moment_nothing_is_left_that_counts(tmp_path: Path, moment: str):
    """The whole program is killed, with no chance to clear up; its workers end too; the next run works."""
    (tmp_path / "vocab.txt").write_text("\n".join(ENTRIES))
    (tmp_path / "corpus.txt").write_text("\n".join(map(document, range(300))) * 200)
    output = tmp_path / "out"
    command = [sys.executable, "-m", "keras_bert.scripts.pretraining_data", f"--input={tmp_path}/corpus.txt"]
    command += [f"--vocabulary={tmp_path}/vocab.txt", f"--output={output}", "--max_length=32", "--unit_megabytes=0.02"]
    process = subprocess.Popen([*command, "--direct_num_workers=2"], cwd=ROOT, stderr=subprocess.DEVNULL)
    pattern = ".work-*/index-*" if moment == "before any shard" else "examples-*"
    deadline = time.monotonic() + 200
    while not list(output.glob(pattern)) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    if moment == "before any shard":
        time.sleep(2)  # until the workers are there
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (output / "manifest.json").exists(), "it was too fast to be killed"
    with pytest.raises(InputError, match="no finished pre-training data"):
        pretraining_records(output, TOKENIZER)
    _, alive = psutil.wait_procs(children, timeout=15)
    assert not alive

    manifest = build(tmp_path / "corpus.txt", output, unit_megabytes=0.2, overwrite=True)
    assert len(rows(output)) == manifest.counts["examples"]
    assert not list(output.glob(".*"))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("Unexpected pipeline runner: NoSuch.\n\nmore"), r"--runner=NoSuch failed: ValueError: Unexpected"),
        (ConnectionError(""), r"--runner=NoSuch failed: ConnectionError: no reason given"),
        (RuntimeError("x keras_bert.errors.InputError: no such file [while running 'a']"), "^no such file$"),
    ],
)
def test_another_runner_that_fails_is_one_line(error: Exception, words: str, monkeypatch: pytest.MonkeyPatch):
    def fails(pipeline: object) -> None:
        raise error

    options = beam_runner.pipeline_options(["--runner=NoSuch"])
    monkeypatch.setattr("apache_beam.Pipeline", lambda **_: None)
    with pytest.raises(InputError, match=words):
        beam_runner.run_pipeline(fails, options)


def test_an_unknown_runner_is_one_line():
    with pytest.raises(InputError, match=r"--runner=NoSuch failed: ValueError: Unexpected pipeline runner: NoSuch"):
        beam_runner.run_pipeline(lambda pipeline: None, beam_runner.pipeline_options(["--runner=NoSuch"]))


@pytest.mark.parametrize(
    "flag", ["--job_endpoint=localhost:{}", "--flink_master=localhost:{}", "--flink_master=http://localhost:{}"]
)
def test_a_server_that_nobody_listens_at_is_one_line(flag: str):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    runner = "FlinkRunner" if "flink" in flag else "PortableRunner"
    options = beam_runner.pipeline_options([f"--runner={runner}", flag.format(port)])
    with pytest.raises(InputError, match=r"^--\w+=.*: cannot be reached \(.*refused"):
        beam_runner.run_pipeline(lambda pipeline: None, options)


def test_a_server_that_never_answers_is_one_line():
    with socket.create_server(("localhost", 0)) as silent:
        flags = ["--runner=PortableRunner", f"--job_endpoint=localhost:{silent.getsockname()[1]}"]
        options = beam_runner.pipeline_options([*flags, "--job_server_timeout=1"])
        began = time.monotonic()
        with pytest.raises(InputError, match=r"--runner=PortableRunner failed: .*no answer within 1 s "):
            beam_runner.run_pipeline(lambda pipeline: pipeline | beam.Create([1]), options)
    assert time.monotonic() - began < 30
