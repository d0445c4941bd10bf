"""A network, photographs and a recipe to trained weights."""
