"""Let clients of every kind use the proxy for days of the stand-in's clock, while browsers and servers are killed, the
site is silent for a while, and the disk is full for a while; then look for errors without a cause, and for what is lost
or left behind. `scripts/endure --hours 1 --speed 1` does the same in real time, `--grid` with browsers on a Grid of two
nodes, of which one is killed now and then.
"""
