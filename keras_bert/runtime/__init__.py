"""Answers from an exported folder where no TensorFlow is: numpy, `tokenizers`, and LiteRT or ONNX Runtime.

    import keras_bert.runtime

    model = keras_bert.runtime.load("export/sst2-litert")
    model.answer(["a gripping film"])  # [{'label': 'positive', 'score': 0.998}]

What is written, and by what: docs/formats.md.
"""

from keras_bert.runtime.load import load

__all__ = ["load"]
