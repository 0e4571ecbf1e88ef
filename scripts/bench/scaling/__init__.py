"""``python -m bench.scaling``: what more machines bring, simulated from measured costs, and what parts of that cost.

Each section of docs/scaling.md names the command below that shows its numbers. Servers that are needed are throwaway
ones.
"""
