"""What executors import from coda_node.server."""
