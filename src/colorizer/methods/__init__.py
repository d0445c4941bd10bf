"""Color without a trained network."""
