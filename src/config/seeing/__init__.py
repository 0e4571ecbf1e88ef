"""Seeing into a shop that runs: metrics, traces, and reports of defects, each off until the environment names a place.

What the rest of the code tells goes through ``core.tally``, ``core.tracing`` and ``core.logs``; here stand the
libraries, which no process loads that does not need them.
"""
