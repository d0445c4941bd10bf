"""Scores, figures and reports of trained networks."""
