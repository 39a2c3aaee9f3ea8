"""Executes every notebook of this folder from top to bottom and says how long each took.

    python notebooks/execute.py [NOTEBOOK ...]

A notebook that raises ends the run with status 1, after its error. The executed copies, with their outputs,
lie beside the originals as `NAME.executed.ipynb`. Notebooks read KERAS_BERT_NOTEBOOK_SIZE: `small` asks for a
run of minutes on two cores.
"""

import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

HERE = Path(__file__).resolve().parent


def execute(path: Path, timeout: int = 1200) -> None:
    """Runs one notebook in a fresh kernel, in the notebook's folder, and writes `NAME.executed.ipynb`.

    Args:
        path: the notebook.
        timeout: seconds allowed to one cell.

    Raises:
        CellExecutionError: a cell raised; its text holds the traceback. The copy is written all the same.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=timeout, resources={"metadata": {"path": str(path.parent)}})
    try:
        client.execute()
    finally:
        nbformat.write(notebook, path.with_suffix(".executed.ipynb"))


def main(arguments: list[str]) -> int:
    """Executes the named notebooks, or all of this folder; returns the exit status."""
    paths = [Path(name) for name in arguments] or sorted(
        path for path in HERE.glob("*.ipynb") if not path.name.endswith(".executed.ipynb")
    )
    if not paths:
        print(f"no notebooks in {HERE}")
    for path in paths:
        start = time.monotonic()
        try:
            execute(path)
        except CellExecutionError as error:
            print(f"{path}: failed after {time.monotonic() - start:.0f} s\n{error}", file=sys.stderr)
            return 1
        print(f"{path}: executed in {time.monotonic() - start:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
