"""The demonstration: a drawn catalogue of products, and all four searches on it."""
