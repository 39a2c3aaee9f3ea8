"""Models as ONNX: a plain form for every runtime, and one fused for ONNX Runtime."""

from keras_bert.serving.formats.onnx.write import write_onnx

__all__ = ["write_onnx"]
