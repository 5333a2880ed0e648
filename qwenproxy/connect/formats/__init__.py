"""The syntax of settings files: each format puts changes into a text and leaves everything else in it as it is.

Every `merge` takes the text of a file, "" for one that is made, and returns the new one. It raises Unreadable for a
text that it cannot parse, or whose structure has no place for the changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from qwenproxy.connect.formats import env_file, json_file, toml_file, yaml_file
from qwenproxy.connect.program import Entries, Format

Merge = Callable[[str, Mapping[str, object] | Entries], str]

FORMATS: Mapping[Format, Merge] = {
    "json": json_file.merge,
    "yaml": yaml_file.merge,
    "toml": toml_file.merge,
    "env": env_file.merge,
}
