"""What is measured: each score declared once; its function is in `colorizer.evaluation`."""
