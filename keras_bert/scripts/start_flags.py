"""The flags that say what training starts from: weights, or an architecture and a vocabulary."""

from absl import flags

flags.DEFINE_string("preset", None, "Weights: a folder of any known format, hf://org/name, kaggle://..., minilm.")
flags.DEFINE_string("config", None, "In place of --preset: a config.json to start from random weights.")
flags.DEFINE_integer("hidden_size", None, "In place of --config: units, 64 a head, of a start from nothing; 256.", 1)
flags.DEFINE_integer("num_hidden_layers", None, "In place of --config: blocks of a start from nothing; 4.", 1)
flags.DEFINE_string("vocabulary", None, "The vocab.txt, or tokenizer folder; a preset brings its own.")
flags.DEFINE_bool("lowercase", None, "Lower-case the text; by default as the preset or vocabulary folder does.")
