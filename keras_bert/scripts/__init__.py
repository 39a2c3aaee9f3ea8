"""The programs: `keras-bert NAME` or `python -m keras_bert.scripts.NAME`, thin over the library."""
