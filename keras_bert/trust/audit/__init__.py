"""How a model treats groups of people, how sure it is, and which labels it was given are doubtful: probes."""
