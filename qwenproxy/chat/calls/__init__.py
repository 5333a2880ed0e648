"""Calls of the client's tools, read out of what the model wrote, in whatever notation.

`stage.py` is the stage of an answer; below it stand the reader of text, the notations, and the checks of arguments by
their schema. The room is pure: it knows no site and no wire API.
"""
