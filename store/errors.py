"""What can go wrong, by name; every message is one line that a person can act on."""


class AgentmonError(Exception):
    """The base of all errors that agentmon shows to people; `str()` of one is its single line."""


class DatabaseRefusedError(AgentmonError):
    """The file is no agentmon database, is corrupt, is newer than this agentmon, or cannot be opened."""


class DatabaseHeldError(AgentmonError):
    """Another process holds the database's lock; the message says which."""


class StoreUnavailableError(AgentmonError):
    """The store cannot take writes now (disk full, locked, failing, file gone); later it may."""


class DatabaseReplacedError(StoreUnavailableError):
    """Another file lies where the one that is open was; opening the path again reads that."""


class UnknownKeyError(AgentmonError):
    """A report came with an agent key that belongs to no monitor (any more)."""


class ReportRefusedError(AgentmonError):
    """A report cannot be stored as it is, whenever it comes; `field` is the path of what is wrong with it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class ChangeRefusedError(AgentmonError):
    """A change was asked for that cannot be made: unknown or taken name, malformed key, bad value."""


class ReceiverUnreachableError(AgentmonError):
    """No receiver answers for this database."""
