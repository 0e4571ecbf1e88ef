"""The drawings of the demo shop: every picture is made from code, so all of them are ours to give away.

`palette`, `outlines` and `sheet` are the pencils; `stage` is the studio with its light; one module per
department holds the objects; `shots` says which file shows which object.
"""
