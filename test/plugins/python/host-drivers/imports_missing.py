"""Needs a package that is not there."""

import qpu_vendor_sdk.client  # noqa: F401
