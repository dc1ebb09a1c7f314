"""A result that anybody can check: all that boards were made of, in one signed JSON file.

contents     what a snapshot holds
canonical    one way to write it as bytes
signing      Ed25519 over these bytes
checking     what Python alone can check: signature, scores, order, quality
tracks       boards of tracks: who stands on them
history      rescores follow each other
steps        the public board of an earlier moment
estimating   what NumPy and SciPy are needed for: time ratios and ranges of ranks
verifying    all of it, and what could not be checked
"""
