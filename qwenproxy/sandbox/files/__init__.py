"""The files people attach: their credentials, the object store that takes the bytes, and parsing."""
