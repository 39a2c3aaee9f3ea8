"""Times an exported folder in a process of its own, as whoever answers from it meets it; prints one JSON object.

    python -m keras_bert.scripts.timed_answers export/sst2-litert < texts.json

`texts.json` is a list of objects with the texts of a row by name. Everything runs on one thread.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH = 32


def main() -> None:
    """Opens the folder that is named, answers, and prints what it took."""
    folder, texts = Path(sys.argv[1]), json.load(sys.stdin)
    begin = time.perf_counter()
    if (folder / "saved_model.pb").exists():
        os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        import tensorflow
        import tensorflow_text  # noqa: F401 -- its operations are in the SavedModel

        imported = time.perf_counter()
        answer = _saved_model(tensorflow, folder)
    else:
        from keras_bert.runtime import load

        imported = time.perf_counter()
        answer = load(folder).answer
    answer(texts[:1])
    loaded = time.perf_counter()
    answer(texts)  # every length once, for which kernels are made
    singles = sorted(_seconds(answer, [text]) for text in texts)
    print(
        json.dumps(
            {
                "import_seconds": imported - begin,
                "load_seconds": loaded - imported,
                "text_seconds": singles[len(singles) // 2],
                "texts_a_second": len(texts) / _seconds(answer, texts),
                "resident_bytes": _resident(),
            }
        )
    )


def _saved_model(tensorflow: Any, folder: Path) -> Callable[[list[dict[str, Any]]], Any]:
    model = tensorflow.saved_model.load(str(folder))
    signature = model.signatures["serving_default"]

    def answer(texts: list[dict[str, Any]]) -> None:
        texts = sorted(texts, key=lambda text: sum(map(len, text.values())))
        for begin in range(0, len(texts), BATCH):
            part = texts[begin : begin + BATCH]
            columns = {name: [text[name] for text in part] for name in part[0]}
            if "choices" in columns:  # rows have unlike numbers of choices
                most = max(map(len, columns["choices"]))
                columns["choices"] = [[*row, *[""] * (most - len(row))] for row in columns["choices"]]
            signature(**{name: tensorflow.constant(values) for name, values in columns.items()})

    answer.model = model  # type: ignore[attr-defined]
    return answer


def _seconds(answer: Callable[[list[Any]], Any], texts: list[Any]) -> float:
    begin = time.perf_counter()
    answer(texts)
    return time.perf_counter() - begin


def _resident() -> int:
    """Returns the bytes of the process that are in memory."""
    with Path("/proc/self/status").open(encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS"))


if __name__ == "__main__":
    main()
