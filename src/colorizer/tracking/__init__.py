"""The only package that imports MLflow: runs, registered models, serving."""
