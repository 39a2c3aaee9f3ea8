"""Training on word vectors that were moved to where the loss is higher; knows nothing of tasks."""

from keras_bert.training.adversary.adversary import Adversary
from keras_bert.training.adversary.fgm import Fgm
from keras_bert.training.adversary.freelb import FreeLb
from keras_bert.training.adversary.named import ADVERSARIES, make_adversary
from keras_bert.training.adversary.pgd import Pgd
from keras_bert.training.adversary.rdrop import RDrop
from keras_bert.training.adversary.smart import Smart

__all__ = ["ADVERSARIES", "Adversary", "Fgm", "FreeLb", "Pgd", "RDrop", "Smart", "make_adversary"]
