"""Who goes first on a core that the node and the driver both want."""

from __future__ import annotations

import logging
import os
from typing import Any, Dict

log = logging.getLogger("coda")


def go_before(node: Dict[str, Any]) -> None:
    """The answer at the end of a run wakes the node, on the core on which the driver begins the next run: the device would
    wait until the node has done its work. As SCHED_BATCH (sched(7), Linux), the node takes no core from a process that is at
    work. `node`: its `pid`, and the `policy` with which it was started: another one than the default is the operator's
    choice, and stays."""
    try:
        # A program between the two may see other process ids than the node.
        if node.get("policy") != os.SCHED_OTHER or node.get("pid") != os.getppid():
            return
        os.sched_setscheduler(node["pid"], os.SCHED_BATCH, os.sched_param(0))
        # A host that is not the first one has inherited it.
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    except (AttributeError, OSError) as error:
        log.debug("the driver does not go before the node: %s", error)
