"""The names of coda-node that executors import, on the standard library alone.

The node puts this package on the path if the original is not installed. It has the classes that an executor meets, and
no server.
"""

from coda_node.errors import CodaError

__version__ = "0.1.1"
__all__ = ["CodaError", "__version__"]
