"""Archives of photographs to the arrays that a network learns from."""
