"""The agents: what runs on the monitored machines."""

VERSION = "0.2.0"
"""That of the package, which a test compares: looking it up there costs a megabyte for as long as an agent runs."""
