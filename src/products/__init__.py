"""The catalogue: categories, products, variants, prices, images, and the documents in which the public reads them.

Units in stock belong to inventory; a product only knows whether a variant can be had.
"""
