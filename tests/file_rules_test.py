"""Each file of the package is short, says what it is, holds one public class, and has its tests."""

import ast
from pathlib import Path

from tests.sources import EVERY_FILE, MODULES, PACKAGE, ROOT, inside, of_each, parse

# Sources without a test file of the same name, each with where it is tested.
TESTED_ELSEWHERE = {
    "version.py": "tests/packaging_test.py",
    # The readers and the mapping are tested as one: file in, the writing library's own outputs out.
    **dict.fromkeys(
        (
            "checkpoints/checkpoint.py",
            "checkpoints/heads.py",
            "checkpoints/hugging_face.py",
            "checkpoints/keras_hub.py",
            "checkpoints/mapping.py",
            "checkpoints/model_garden.py",
            "checkpoints/names.py",
            "checkpoints/report.py",
            "checkpoints/shapes.py",
            "checkpoints/tensorflow_file.py",
            "checkpoints/tokenizer_files.py",
            "checkpoints/weight_files.py",
        ),
        "tests/checkpoints/reference_test.py, google_test.py and save_test.py",
    ),
    **dict.fromkeys(
        ("checkpoints/sentence_transformers.py", "checkpoints/sentence_transformers_files.py"),
        "tests/tasks/embedding/sentence_transformers_test.py, against vectors of that library",
    ),
    "checkpoints/convert.py": "tests/checkpoints/save_test.py",
    "preset_hook.py": "tests/checkpoints/parts_test.py",
    "checkpoints/presets.py": "tests/checkpoints/download_test.py",
    # One reader a file format, one front: what each accepts and refuses is tested through `read`.
    **dict.fromkeys(
        (
            "data/sources/csv_file.py",
            "data/sources/json_lines_file.py",
            "data/sources/labels.py",
            "data/sources/lines.py",
            "data/sources/source.py",
            "data/sources/tensors.py",
            "data/sources/tsv_file.py",
        ),
        "tests/data/sources/read_test.py",
    ),
    "data/batching/batch_size.py": "tests/data/batching/batches_test.py",
    "data/memory/table.py": "tests/data/memory/rows_test.py",
    "data/pretraining/tokenized.py": "tests/data/pretraining/text_test.py",
    "data/pretraining/segments.py": "tests/data/pretraining/examples_test.py and unilm_examples_test.py",
    "data/shards/manifest.py": "tests/data/pretraining/records_test.py and tests/data/shards/prepared_test.py",
    "data/batching/row_stream.py": "tests/data/pretraining/record_stream_test.py",
    "data/shards/gather.py": "tests/data/shards/columns_test.py",
    "data/shards/shard_writer.py": "tests/data/shards/prepared_test.py",
    **dict.fromkeys(
        ("data/shards/build.py", "data/shards/row_reader.py", "scripts/prepared_rows.py", "scripts/prepared_train.py"),
        "tests/scripts/prepare_test.py",
    ),
    "scripts/answered_windows.py": "tests/scripts/predict_test.py",
    "scripts/preparation.py": "tests/scripts/prepare_test.py",
    "scripts/beam_arguments.py": "tests/scripts/pretraining_data_test.py",
    # What the pipeline is made of, from the files in to the records out.
    **dict.fromkeys(
        (
            "data/shards/beam_files.py",
            "data/shards/beam_runner.py",
            "data/pretraining/corpus.py",
            "data/shards/output.py",
            "data/pretraining/shard.py",
            "data/shards/worker.py",
        ),
        "tests/data/pretraining/pipeline_test.py",
    ),
    # What an exported model answers is compared with the task in Python, from strings to answers.
    **{
        f"runtime/{name}.py": "tests/runtime/load_test.py"
        for name in (
            *("answerer", "chooser", "classifier", "embedder", "regressor", "tagger", "model"),
            *("engine", "litert_engine", "folder", "numbers", "packing", "spans", "tag_path", "text"),
            "windows",
        )
    },
    "serving/formats/network.py": "tests/tasks/base/export_formats_test.py",
    # A graph is tested by what it computes, whole.
    **{
        f"serving/formats/onnx/{name}.py": "tests/serving/formats/onnx/write_test.py"
        for name in ("encoder", "fused", "graph", "heads", "plain")
    },
    "serving/formats/onnx/activations.py": "tests/serving/formats/onnx/products_test.py and write_test.py",
    **{
        f"tasks/{room}/portable.py": "tests/serving/formats/litert_test.py"
        for room in ("base", "embedding", "pooled", "question_answering", "tagging")
    },
    "tasks/embedding/scored.py": "tests/tasks/embedding/embedder_test.py",
    "tasks/tagging/tagged_rows.py": "tests/tasks/tagging/tagger_test.py",
    "tasks/pooled/class_checks.py": "tests/tasks/pooled/classifier_test.py",
    "serving/signature.py": "tests/serving/saved_model_test.py and frozen_test.py",
    **dict.fromkeys(
        (f"tasks/question_answering/{name}.py" for name in ("head", "labelled")),
        "tests/tasks/question_answering/answerer_test.py",
    ),
    "text/normalized_spans.py": "tests/text/word_piece/tokenizer_test.py and byte_pair/byte_pair_tokenizer_test.py",
    "text/regex_parts.py": "tests/text/byte_pair/byte_words_test.py",
    "text/token_layer.py": "tests/text/word_piece/tokenizer_test.py and byte_pair/byte_pair_tokenizer_test.py",
    "text/word_piece/wordpiece.py": "tests/text/word_piece/tokenizer_test.py and hugging_face_test.py",
    "tasks/pretraining/pretraining_task.py": "tests/tasks/pretraining/pretrainer_test.py and causal_lm_test.py",
    "decoding/rows.py": "tests/decoding/beam_search_test.py and one_by_one_test.py",
    "scripts/pretraining_examples.py": "tests/scripts/pretrain_test.py",
    "training/runs/phase.py": "tests/training/runs/epoch_run_test.py",
    "training/runs/run_checkpoints.py": "tests/training/runs/run_state_test.py",
    "training/runs/run_log.py": "tests/training/runs/epoch_log_test.py and training_log_test.py",
    "scripts/audit_probes.py": "tests/scripts/audit_test.py",
    "explain_hook.py": "tests/trust/explain/explain_test.py",
    "scripts/asked_texts.py": "tests/scripts/predict_test.py and explain_test.py",
    # What an explanation is made of is tested by what it says of texts.
    **{
        f"trust/explain/{name}.py": "tests/trust/explain/gradients_test.py, replacing_test.py and explain_test.py"
        for name in ("attribution", "reading", "readout", "scorer")
    },
    **{
        f"trust/explain/readers/{name}.py": "tests/trust/explain/explain_test.py"
        for name in ("explained_task", "packed", "pooled", "similar")
    },
    # What an index is made of is tested by what is built, found, added and removed.
    **{
        f"retrieval/{name}.py": "tests/retrieval/index_test.py"
        for name in ("make", "passages/passage", "searching/meaning", "storage/draft", "storage/pieces")
    },
    **{
        f"retrieval/documents/{name}.py": "tests/retrieval/documents/read_documents_test.py"
        for name in ("document", "file_bytes", "html_file", "pdf_file", "row_file", "text_files")
    },
    "retrieval/storage/passage_store.py": "tests/retrieval/storage/snapshot_test.py",
    **{
        f"serving/{name}.py": "tests/serving/vector_index_test.py and near_vectors_test.py"
        for name in ("compared_vectors", "vector_graph")
    },
    "scripts/documents_search.py": "tests/scripts/index_test.py",
    "scripts/timed_answers.py": "tests/scripts/measured_export_test.py",
    "scripts/random_weights.py": "tests/scripts/task_kinds/generate_test.py",
    **{
        f"scripts/{n}_flags.py": "tests/scripts/task_kinds/generate_test.py"
        for n in ("generation", "packing", "smoothing", "target")
    },
    **dict.fromkeys(
        ("training/adversary/adversary.py", "training/adversary/batch_part.py"),
        "tests/training/adversary/fgm_test.py and named_test.py",
    ),
    **{
        f"trust/attack/{name}.py": "tests/trust/attack/attack_test.py"
        for name in ("constraints", "kinds", "report", "similarity", "stop_words", "victim")
    },
    **{
        f"trust/attack/{name}.py": "tests/trust/attack/word_search_test.py"
        for name in ("search_together", "word_order")
    },
    "trust/attack/proposer.py": "tests/trust/attack/synonyms_test.py",
    **{
        f"trust/behaviour/{name}.py": "tests/trust/behaviour/behave_test.py"
        for name in ("asked", "case", "judge", "report")
    },
    "trust/behaviour/typing_errors.py": "tests/trust/behaviour/read_suite_test.py",
    **{
        f"trust/page/{name}.py": "tests/trust/page/write_page_test.py"
        for name in ("attention_part", "markup", "style", "text_part")
    },
    "scripts/demo.py": "`make demo`, a stage of the whole check",
}

# Files with more than one public class, each with the one job they do together.
ONE_JOB = {
    "layers/tokens.py": "a layer and its inverse",
}

# Lines of a file of the package, and of any other.
MAX_LINES = {"keras_bert": 400, "": 500}

# Files of the package that may be longer, each with the reason.
LONGER: dict[str, str] = {}


def is_record(node: ast.ClassDef) -> bool:
    """Whether a class only holds values (dataclass, named tuple, enum, protocol) or is an exception."""
    plain = ("NamedTuple", "TypedDict", "Enum", "StrEnum", "IntEnum", "Protocol", "Error", "Exception")
    return any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list) or any(
        ast.unparse(base).split("[")[0].endswith(plain) for base in node.bases
    )


@of_each(MODULES)
def test_one_public_class_a_file(path: Path):
    classes = [
        node.name
        for node in parse(path).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and not is_record(node)
    ]
    assert len(classes) <= 1 or inside(path) in ONE_JOB, f"{inside(path)} holds {', '.join(classes)}"


@of_each(EVERY_FILE)
def test_no_file_is_long(path: Path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    ours = path.is_relative_to(PACKAGE) and inside(path) not in LONGER
    assert lines <= MAX_LINES["keras_bert" if ours else ""], f"{path.relative_to(ROOT)} has {lines} lines"


@of_each([path for path in EVERY_FILE if not path.is_relative_to(ROOT / "tests")])
def test_every_file_says_what_it_is(path: Path):
    docstring = ast.get_docstring(parse(path)) or ""
    first = docstring.split("\n")[0]
    assert first.endswith((".", ":", "?")), (
        f"{path.relative_to(ROOT)}: no docstring of which the first line says what it is"
    )


@of_each(MODULES)
def test_every_source_has_its_test_file(path: Path):
    name = inside(path)
    if path.name == "__init__.py" or name in TESTED_ELSEWHERE:
        return
    mirror = ROOT / "tests" / f"{name.removesuffix('.py')}_test.py"
    assert mirror.is_file(), f"{name} has no {mirror.relative_to(ROOT)}"


def test_every_exemption_is_still_needed():
    for name in (*LONGER, *ONE_JOB, *TESTED_ELSEWHERE):
        assert (PACKAGE / name).is_file(), f"{name} is gone: take it off the list"


@of_each(sorted({path.parent for path in MODULES}))
def test_every_room_is_a_package(folder: Path):
    assert (folder / "__init__.py").is_file(), f"{folder.relative_to(ROOT)} has no __init__.py"
