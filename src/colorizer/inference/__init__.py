"""Trained networks put to use: one photograph, or many."""
