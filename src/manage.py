#!/usr/bin/env python
"""Nexus's command line."""

from config.entry import main

if __name__ == "__main__":
    main()
