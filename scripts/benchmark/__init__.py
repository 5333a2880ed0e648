"""Measure the proxy beside the stand-in itself: the same streams, straight over HTTP/2 and through a Chrome tab.

Each stream is 100 chunks, one every 20 ms. The stand-in stamps every chunk with the machine's monotonic clock when it
sends it, so that a chunk's delay is what lies between that moment and its arrival in the load generator. Site, Chrome,
proxy and load generator share the machine: read the ratios, not the absolute figures.
"""
