"""The host of a Python executor: frames, loading, running."""
