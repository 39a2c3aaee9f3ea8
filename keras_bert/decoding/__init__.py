"""From a step function and a state to sequences, in the graph: greedy, sampled, and by beam search; knows no BERT."""

from keras_bert.decoding.beam_search import beam_search
from keras_bert.decoding.constraints import Constraints
from keras_bert.decoding.one_by_one import greedy, sample
from keras_bert.decoding.rows import Start, Step
from keras_bert.decoding.top_k import top_k

__all__ = ["Constraints", "Start", "Step", "beam_search", "greedy", "sample", "top_k"]
