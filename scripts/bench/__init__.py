"""``make bench``: what an operation costs, beside what a bare view costs in the same run (DESIGN.md, section 6).

It starts a shop of its own on a folder of its own, fills it by the shop's own import, measures from outside by process
accounting, and leaves nothing behind but a file in ``bench-results/``.
"""
