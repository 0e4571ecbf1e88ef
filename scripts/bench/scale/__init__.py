"""``python -m bench.scale``: the same reads in ever larger shops (``src`` and ``scripts`` on the path).

It imports a thousand products as every shop does, and multiplies them and a few orders by SQL. Documents are written
by the program itself.
"""
