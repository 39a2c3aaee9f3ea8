"""Opens an exported folder."""

from collections.abc import Callable
from pathlib import Path

from keras_bert.errors import InputError
from keras_bert.runtime.answerer import Answerer
from keras_bert.runtime.chooser import Chooser
from keras_bert.runtime.classifier import Classifier
from keras_bert.runtime.embedder import Embedder
from keras_bert.runtime.engine import Engine
from keras_bert.runtime.folder import read_folder
from keras_bert.runtime.litert_engine import LiteRTEngine
from keras_bert.runtime.model import RuntimeModel
from keras_bert.runtime.onnx_engine import OnnxEngine
from keras_bert.runtime.regressor import Regressor
from keras_bert.runtime.tagger import Tagger
from keras_bert.runtime.tokenizer import TextTokenizer

_MODELS: dict[str, type[RuntimeModel]] = {
    "answer": Answerer,
    "choose": Chooser,
    "classify": Classifier,
    "embed": Embedder,
    "regress": Regressor,
    "tag": Tagger,
}
_ENGINES: dict[str, Callable[[Path, int], Engine]] = {"litert": LiteRTEngine, "onnx": OnnxEngine}


def load(folder: str | Path, threads: int = 1) -> RuntimeModel:
    """Opens what `model.export(folder, format="litert")` or `"onnx"` wrote; imports no TensorFlow.

    Args:
        folder: The folder.
        threads: Processor cores to use. LiteRT: texts, of one caller or of several, that are answered at a time, each
            by an interpreter of its own; ONNX Runtime: threads of an operation.

    Returns:
        A model whose `answer(texts)` gives what that of the task in Python gives. It may be called from several threads
        at a time.

    Raises:
        InputError: It is no such folder, a file is missing or damaged, or a package is not installed.

    Example:
        >>> model = load("export/sst2-litert")  # doctest: +SKIP
        >>> model.answer(["a gripping film"])  # doctest: +SKIP
        [{'label': 'positive', 'score': 0.998}]
    """
    if not isinstance(threads, int) or threads < 1:
        raise InputError(f"threads is {threads!r}; it must be 1 or more")
    settings = read_folder(folder)
    if settings["format"] not in _ENGINES:
        raise InputError(f"{folder}: format is {settings['format']!r:.40}, expected one of {', '.join(_ENGINES)}")
    tokenizer = TextTokenizer(Path(folder) / "tokenizer.json", settings["tokenizer"], settings.get("markers", ()))
    engine = _ENGINES[settings["format"]](settings["file"], threads)
    return _MODELS[settings["kind"]](settings, tokenizer, engine)
