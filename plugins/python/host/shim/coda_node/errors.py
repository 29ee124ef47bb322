"""The family of errors."""

__all__ = [
    "AuthError",
    "CodaError",
    "ConfigError",
    "ExecutorError",
    "HeartbeatRejectedError",
    "NodeError",
    "VPNError",
    "WebhookError",
]


class CodaError(Exception):
    """Whatever coda-node raises on purpose."""


class ConfigError(CodaError):
    """A setting is missing or wrong."""


class AuthError(CodaError):
    """The cloud does not accept the credentials."""


class VPNError(CodaError):
    """The tunnel is not up, or does not reach the cloud."""


class NodeError(CodaError):
    """The node could not connect to the cloud."""


class HeartbeatRejectedError(CodaError):
    """The cloud refused a heartbeat."""


class ExecutorError(CodaError):
    """An executor could not be loaded, or failed."""


class WebhookError(CodaError):
    """A result could not be delivered."""
