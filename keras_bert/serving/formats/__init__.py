"""What models are written as beside SavedModel: LiteRT and ONNX. Knows functions and weights, not tasks."""
