"""Check the reader of calls with the calls of a public corpus, written in every notation.

The corpus is the data of the package `bfcl-eval` (the Berkeley function-calling leaderboard): functions with their
schemas, and the calls that answer its questions. Nothing of it is kept. Each call is read whole and in random pieces;
name and arguments must arrive exactly.
"""
