"""BERT for Keras and TensorFlow: strings in, answers out."""
