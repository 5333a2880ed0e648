"""Pictures, films and speech: work that the site does beside talk, and the files that come of it.

Stands between the relay, which asks the site, and the wire APIs, which know the form of the answer. `pictures.py` is
the way of a picture from a wish to a checked file, `fetching.py` reads what an address shows, `store.py` keeps it.
"""
