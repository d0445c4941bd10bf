"""Says in one line why a tracking server or registry cannot be used."""

from colorizer.errors import one_line


def no_answer(address: str, error: Exception) -> str:
    """Return what to say of an error that MLflow raised.

    Args:
        address: of the server or the store.
        error: MLflow's, a network's or a file system's.
    """
    if getattr(error, "error_code", "") == "UNAUTHENTICATED":
        return (
            f"MLflow at {address} does not know you: set MLFLOW_TRACKING_USERNAME and "
            "MLFLOW_TRACKING_PASSWORD to a user's that its admin made"
        )
    said = f"MLflow at {address} does not answer: {one_line(error)}"
    if address.startswith("sqlite"):
        return f"{said}: if it stays so, move that file away and run `make sync`"
    return said
