"""The Python side of coda-node: runs one executor, and speaks with the node as PROTOCOL.md says."""

import os
import sys


def main() -> int:
    here = os.path.dirname(os.path.abspath(__file__))
    if sys.path and os.path.realpath(sys.path[0] or ".") == os.path.realpath(here):
        del sys.path[0]
    # Our own modules are loaded before the working directory is on the path: nothing there can hide what they need.
    sys.path.insert(0, here)
    from coda_host.host import serve

    sys.path.remove(here)
    # As `python -m` has it: modules in the working directory can be imported.
    sys.path.insert(0, os.getcwd())
    return serve(os.path.join(here, "shim"))


# A process that multiprocessing spawns imports this file too, and must not become a second host.
if __name__ == "__main__":
    sys.exit(main())
