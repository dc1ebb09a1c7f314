"""TorchScript: a zip of pickles, weights and source."""
