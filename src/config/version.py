"""Which Nexus this is. A data folder written by a newer one is refused."""

VERSION = "0.1.0"
