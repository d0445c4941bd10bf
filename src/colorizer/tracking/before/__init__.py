"""Names that models registered before import, for programs that have imported this package.

MLflow loads such a model with its own copy of the package, unless one is imported already; then its
code looks here.
"""
